/* SPDX-License-Identifier: MIT */
#include "inspect/encrypted_dns.h"

#include "base/bytes.h"
#include "base/text.h"

#include <string.h>

enum { PORT_ENCRYPTED_DNS = 853 };

/* Public resolvers, and services that give every customer a name of his own
 * below theirs. */
static const char *const resolvers[] = {
    "8888.google",
    "adult-filter-dns.cleanbrowsing.org",
    "anycast.uncensoreddns.org",
    "blahdns.com",
    "child.joindns4.eu",
    "cloudflare-dns.com",
    "dns-family.adguard.com",
    "dns-unfiltered.adguard.com",
    "dns.aa.net.uk",
    "dns.adguard-dns.com",
    "dns.adguard.com",
    "dns.alidns.com",
    "dns.cfiec.net",
    "dns.cloudflare.com",
    "dns.comss.one",
    "dns.controld.com",
    "dns.digitale-gesellschaft.ch",
    "dns.google",
    "dns.google.com",
    "dns.mullvad.net",
    "dns.nextdns.io",
    "dns.njal.la",
    "dns.opendns.com",
    "dns.pub",
    "dns.quad9.net",
    "dns.rubyfish.cn",
    "dns.sb",
    "dns.switch.ch",
    "dns.twnic.tw",
    "dns.umbrella.com",
    "dns0.eu",
    "dns10.quad9.net",
    "dns11.quad9.net",
    "dns12.quad9.net",
    "dns9.quad9.net",
    "dnsforge.de",
    "dnsovertls.sinodun.com",
    "doh.360.cn",
    "doh.applied-privacy.net",
    "doh.cleanbrowsing.org",
    "doh.crypto.sx",
    "doh.dns.apple.com",
    "doh.dns.sb",
    "doh.familyshield.opendns.com",
    "doh.ffmuc.net",
    "doh.libredns.gr",
    "doh.mullvad.net",
    "doh.opendns.com",
    "doh.pub",
    "doh.sandbox.opendns.com",
    "doh.sb",
    "doh.seby.io",
    "doh.tiar.app",
    "doh.umbrella.com",
    "doh.xfinity.com",
    "dot.360.cn",
    "dot.ffmuc.net",
    "dot.libredns.gr",
    "dot.pub",
    "dot.sb",
    "dot.tiar.app",
    "dot1.applied-privacy.net",
    "family-filter-dns.cleanbrowsing.org",
    "family.adguard-dns.com",
    "freedns.controld.com",
    "max.rethinkdns.com",
    "noads.joindns4.eu",
    "odvr.nic.cz",
    "one.one.one.one",
    "ordns.he.net",
    "protective.joindns4.eu",
    "security-filter-dns.cleanbrowsing.org",
    "sky.rethinkdns.com",
    "unfiltered.adguard-dns.com",
    "unfiltered.joindns4.eu",
    "wikimedia-dns.org",
};

static bool
offers(const struct hello_facts *hello, const char *protocol)
{
	struct bytes list = {hello->alpn, hello->alpn_size}, name;

	while (bytes_vec8(&list, &name)) {
		if (name.left == strlen(protocol) && memcmp(name.at, protocol, name.left) == 0)
			return true;
	}
	return false;
}

bool
encrypted_dns_told(const struct hello_facts *hello, uint16_t dst_port)
{
	if (hello->kind != HELLO_TLS)
		return false;
	return dst_port == PORT_ENCRYPTED_DNS || offers(hello, "dot") || offers(hello, "doq") ||
	       encrypted_dns_is_resolver(hello->sni);
}

bool
encrypted_dns_is_resolver(const char *name)
{
	for (size_t i = 0; i < sizeof(resolvers) / sizeof(resolvers[0]); i++) {
		if (text_under(name, resolvers[i]))
			return true;
	}
	return false;
}

bool
encrypted_dns_is_path(const char *path)
{
	size_t size = strlen("/dns-query");

	return strncmp(path, "/dns-query", size) == 0 &&
	       (path[size] == '\0' || path[size] == '?' || path[size] == '/');
}
