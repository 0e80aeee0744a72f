/* SPDX-License-Identifier: MIT */
#include "proxy/ftp_links.h"

#include "base/text.h"

#include <stdlib.h>

struct link {
	struct addr camera, dst;
	uint64_t until_ms; /* 0: none */
	char control[COMMUNITY_ID_MAX];
};

struct ftp_links {
	uint64_t last_ms; /* until when any may be awaited: most connections ask in vain */
	size_t next;
	struct link list[FTP_LINKS_MAX]; /* a ring */
};

struct ftp_links *
ftp_links_new(void)
{
	return calloc(1, sizeof(struct ftp_links));
}

void
ftp_links_free(struct ftp_links *links)
{
	free(links);
}

void
ftp_links_expect(struct ftp_links *links, const struct addr *camera, const struct addr *dst,
    const char *control, uint64_t now_ms)
{
	struct link *link = &links->list[links->next];

	links->next = (links->next + 1) % FTP_LINKS_MAX;
	links->last_ms = now_ms + FTP_LINK_MS;
	*link = (struct link){.camera = *camera, .dst = *dst, .until_ms = links->last_ms};
	text_copy(link->control, sizeof(link->control), control);
}

bool
ftp_links_take(struct ftp_links *links, const struct addr *camera, const struct addr *dst,
    uint64_t now_ms, char control[COMMUNITY_ID_MAX])
{
	if (now_ms >= links->last_ms)
		return false;
	for (size_t i = 0; i < FTP_LINKS_MAX; i++) {
		struct link *link = &links->list[i];

		if (now_ms >= link->until_ms || !addr_equal(&link->dst, dst) ||
		    !addr_same_host(&link->camera, camera))
			continue;
		link->until_ms = 0;
		text_copy(control, COMMUNITY_ID_MAX, link->control);
		return true;
	}
	return false;
}
