/* SPDX-License-Identifier: MIT */
#include "certs/interceptors.h"

#include "certs/ca_private.h"

#include <openssl/objects.h>
#include <string.h>
#include <strings.h>

enum { NAME_MAX_BYTES = 128 };

/* What such an issuer's organisation or common name begins with, none of which
 * is that of a public authority's. */
static const char *const beginnings[] = {"Avast Web/Mail Shield", "avast! Web/Mail Shield",
    "AVG Technologies", "AVG Web/Mail Shield", "Barracuda Networks", "Bitdefender", "Blue Coat",
    "Charles Proxy", "Cisco Umbrella", "ContentWatch", "Cyberoam", "DO_NOT_TRUST",
    "DSDTestProvider", "eDellRoot", "ESET SSL Filter", "ESET, spol.", "Fireware HTTPS Proxy",
    "Forcepoint", "FortiGate", "Fortinet", "Gateway CA - Cloudflare", "iboss", "Kaspersky",
    "AO Kaspersky Lab", "Komodia", "Kurupira", "Lightspeed Systems", "mitmproxy", "Netskope",
    "Palo Alto Networks", "Panda Security", "PortSwigger", "PrivDog", "Securly", "Smoothwall",
    "SonicWALL", "Sophos", "SSLsplit", "Superfish", "Symantec Web Security Service",
    "Trustwave Secure Web Gateway", "Untangle", "WatchGuard", "Websense", "Zscaler"};

static bool
begins_like_one(const X509_NAME *name, int nid)
{
	char text[NAME_MAX_BYTES];

	if (X509_NAME_get_text_by_NID(name, nid, text, sizeof(text)) < 0)
		return false;
	for (size_t i = 0; i < sizeof(beginnings) / sizeof(beginnings[0]); i++) {
		if (strncasecmp(text, beginnings[i], strlen(beginnings[i])) == 0)
			return true;
	}
	return false;
}

bool
interceptors_issued(STACK_OF(X509) * path)
{
	for (int i = 0; i < sk_X509_num(path); i++) {
		X509 *cert = sk_X509_value(path, i);
		const X509_NAME *issuer = X509_get_issuer_name(cert);

		if (i == 0 && X509_NAME_cmp(issuer, X509_get_subject_name(cert)) == 0)
			return false;
		if (ca_is_ours(issuer) || begins_like_one(issuer, NID_organizationName) ||
		    begins_like_one(issuer, NID_commonName))
			return true;
	}
	return false;
}
