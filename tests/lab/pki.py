# SPDX-License-Identifier: MIT
"""Keys and certificates of the laboratory's clouds, good ones and bad ones,
made with openssl(1) when they are needed: nothing in the tree expires."""

import os
import time

from net import run

_CA = "basicConstraints=critical,CA:TRUE\nkeyUsage=critical,keyCertSign,cRLSign\nsubjectKeyIdentifier=hash\n"
_SERVER = ("basicConstraints=critical,CA:FALSE\nkeyUsage=critical,digitalSignature\n"
           "extendedKeyUsage={usage}\nsubjectAltName={names}\n")
_CONFIG = """
[ca]
default_ca = laboratory
[laboratory]
database = {directory}/index
new_certs_dir = {directory}
rand_serial = yes
unique_subject = no
default_md = sha256
policy = anything
[anything]
organizationName = optional
commonName = supplied
"""
DAY_S = 86400


def _date(seconds):
    return time.strftime("%Y%m%d%H%M%SZ", time.gmtime(seconds))


class Identity:
    """A certificate chain and its key, in one PEM file each."""

    def __init__(self, chain, key):
        self.chain, self.key = chain, key


class Pki:
    def __init__(self, directory):
        self.directory = directory
        os.makedirs(directory, exist_ok=True)
        self._count = 0
        open(self._path("index"), "w", encoding="ascii").close()
        with open(self._path("ca.cnf"), "w", encoding="ascii") as out:
            out.write(_CONFIG.format(directory=directory))
        self.root = self.authority("laboratory root")

    def _path(self, name):
        return os.path.join(self.directory, name)

    def _fresh(self):
        self._count += 1
        return f"{self._count:03d}"

    def _request(self, name, subject):
        run("openssl", "req", "-new", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
            "-keyout", self._path(f"{name}.key"), "-out", self._path(f"{name}.csr"), "-subj", f"/O=Borderlens laboratory/CN={subject}")

    def _sign(self, name, issuer, extensions, days):
        """By openssl-ca(1): the only one of its commands that can date a
        certificate into the past."""
        with open(self._path(f"{name}.ext"), "w", encoding="utf-8") as out:
            out.write(extensions)
        signer = (["-cert", issuer.chain, "-keyfile", issuer.key] if issuer
                  else ["-selfsign", "-keyfile", self._path(f"{name}.key")])
        now = time.time()
        run("openssl", "ca", "-batch", "-notext", "-config", self._path("ca.cnf"), *signer,
            "-in", self._path(f"{name}.csr"), "-out", self._path(f"{name}.pem"),
            "-startdate", _date(now - 40 * DAY_S), "-enddate", _date(now + days * DAY_S),
            "-extfile", self._path(f"{name}.ext"))
        return Identity(self._path(f"{name}.pem"), self._path(f"{name}.key"))

    def authority(self, subject, issuer=None):
        name = self._fresh()
        self._request(name, subject)
        return self._sign(name, issuer, _CA, 30)

    def server(self, *names, issuer=None, days=30, usage="serverAuth", subject=None, self_signed=False,
               appended=()):
        """A server's identity.  names: DNS names, or IP:ADDRESS; appended: the
        authorities to send with it."""
        name = self._fresh()
        subject = subject or names[0].removeprefix("IP:")
        alternative = ",".join(n if n.startswith("IP:") else f"DNS:{n}" for n in names)
        self._request(name, subject)
        identity = self._sign(name, None if self_signed else issuer or self.root,
                              _SERVER.format(usage=usage, names=alternative), days)
        with open(identity.chain, "a", encoding="ascii") as out:
            for authority in appended:
                with open(authority.chain, encoding="ascii") as chain:
                    out.write(chain.read())
        return identity
