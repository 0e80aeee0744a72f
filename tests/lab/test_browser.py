# SPDX-License-Identifier: MIT
"""A browser as a camera: Chromium, whose hello is the one that servers are made
for, with ECH grease, post-quantum groups, HTTP/2 and QUIC.

Chromium is large and not among the packages that tests/run installs: apt-get
install chromium libnss3-tools nginx-light (the group by-hand of packages.txt)."""

import os
import shutil
import subprocess

import harness
from harness import GOOD, NAME, Skip, check, equal, story, write
from servers import Process

PROGRAMS = ("chromium", "certutil", "nginx")
PAGE = """<html><body id="b">first<script>
(async () => { for (let i = 0; i < 4; i++) await (await fetch("/more?" + i, {cache: "no-store"})).text();
  document.getElementById("b").append(" and more"); })();
</script></body></html>
"""
NGINX = """\
daemon off; master_process off; pid {directory}/nginx.pid; error_log stderr;
events {{}}
http {{
  access_log off; client_body_temp_path {directory}/t1; proxy_temp_path {directory}/t2;
  fastcgi_temp_path {directory}/t3; uwsgi_temp_path {directory}/t4; scgi_temp_path {directory}/t5;
  server {{
    listen {address}:443 ssl http2;
    ssl_certificate {chain}; ssl_certificate_key {key};
    root {directory}/pages; default_type text/html;
    add_header Alt-Svc 'h3=":443"; ma=86400';
    location = /more {{ return 200 "more"; }}
  }}
}}
"""


class Browser:
    """One user's browser, who trusts these authorities."""

    def __init__(self, lab, name, *authorities):
        self.lab, self.home = lab, os.path.join(lab.directory, name)
        store = f"sql:{self.home}/.pki/nssdb"
        os.makedirs(f"{self.home}/.pki/nssdb")
        subprocess.run(["certutil", "-d", store, "-N", "--empty-password"], check=True)
        for number, path in enumerate(authorities):
            subprocess.run(["certutil", "-d", store, "-A", "-t", "C,,", "-n", f"authority {number}", "-i", path],
                           check=True)

    def show(self, *options):
        """What the page is when its scripts ran; an error page is one, too."""
        command = self.lab.net.cam.command(
            "env", f"HOME={self.home}", "chromium", "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--no-first-run", "--disable-background-networking", "--disable-component-update", "--disable-sync",
            "--enable-quic", f"--user-data-dir={self.home}/profile", "--virtual-time-budget=5000", "--timeout=10000",
            "--dump-dom", *options, f"https://{NAME}/")
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True, timeout=60, check=False)
        return done.stdout


def begin(lab):
    missing = [name for name in PROGRAMS if shutil.which(name) is None]
    if missing:
        raise Skip(f"{', '.join(missing)} not installed (group by-hand of packages.txt)")
    os.makedirs(f"{lab.directory}/pages", exist_ok=True)
    write(f"{lab.directory}/pages/index.html", PAGE)
    path = f"{lab.directory}/nginx.conf"
    write(path, NGINX.format(directory=lab.directory, address=GOOD, chain=lab.good.chain, key=lab.good.key))
    lab.server(Process(lab.net.net, ["nginx", "-c", path], f"{lab.directory}/nginx.log", GOOD, 443))
    return lab.started()


def export(lab, appliance):
    path = f"{lab.directory}/appliance-ca.pem"
    write(path, appliance.command("ca", "export").stdout)
    return path


def expect_opened(appliance):
    """It opens more connections than it needs, and says nothing on the others."""
    event = appliance.eve.wait(event_type="flow", proto="TCP", borderlens__app__requests=6)
    appliance.eve.events.clear()
    ours = event["borderlens"]
    equal("opened", (ours["inspect"], ours["camera_tls"]["verdict"]), ("opened", "ok"))
    equal("what was spoken inside", ours["app"]["proto"], "http2")
    equal("name", event["tls"]["sni"], NAME)
    check("it was offered HTTP/2, and took it", "h2" in event["tls"]["client_alpns"] and event["tls"]["server_alpns"] == ["h2"],
          event["tls"])
    check("ECH, or its grease", ours.get("ech") is True, ours)
    check("a group with ML-KEM", ours.get("post_quantum") is True, ours)
    harness.tell(f"# {ours['camera_tls']['version']}, JA4 {event['tls']['ja4']}")


@story(150)
def a_browser_is_opened_as_it_is(lab):
    appliance = begin(lab)
    browser = Browser(lab, "trusting", export(lab, appliance))
    browser.show(f"--origin-to-force-quic-on={NAME}:443")
    event = appliance.eve.wait(event_type="quic", proto="UDP")
    equal("QUIC", (event["quic"]["sni"], event["borderlens"]["verdict"], event["borderlens"]["rule"]), (NAME, "block", "quic"))
    for _ in range(2):
        page = browser.show()
        check("the page and what its script fetched", "first" in page and "and more" in page, page)
        expect_opened(appliance)


@story(150)
def a_browser_that_does_not_trust_us_is_passed_on(lab):
    appliance = begin(lab)
    browser = Browser(lab, "doubting", lab.pki.root.chain)
    browser.show()
    event = appliance.eve.wait(event_type="flow", proto="TCP", borderlens__inspect="rejected")
    equal("verdict", event["borderlens"]["camera_tls"]["verdict"], "rejected")
    page = browser.show()
    check("the server's own page", "first" in page, page)
    event = appliance.eve.wait(event_type="flow", proto="TCP", borderlens__inspect="passthrough")
    equal("name", event["tls"]["sni"], NAME)


if __name__ == "__main__":
    harness.main()
