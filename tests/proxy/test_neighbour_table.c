/* SPDX-License-Identifier: MIT */
#include "proxy/neighbour_table.h"

#include <criterion/criterion.h>
#include <string.h>

static struct neighbour_news
news_of(unsigned link, unsigned ip, unsigned card)
{
	struct neighbour_news news = {.link = link, .reachable = true};

	news.addr.ip[10] = news.addr.ip[11] = 0xff;
	news.addr.ip[12] = 10;
	for (int i = 0; i < 3; i++)
		news.addr.ip[15 - i] = (uint8_t)(ip >> 8 * i);
	news.mac[0] = 0x02;
	for (int i = 0; i < 4; i++)
		news.mac[5 - i] = (uint8_t)(card >> 8 * i);
	return news;
}

static struct neighbour *
put(struct neighbour_table *table, unsigned link, unsigned ip, unsigned card, uint64_t now_ms)
{
	struct neighbour_news news = news_of(link, ip, card);

	return neighbour_table_put(table, &news, now_ms, NULL);
}

static struct neighbour *
find(struct neighbour_table *table, unsigned ip)
{
	struct neighbour_news news = news_of(0, ip, 1);

	return neighbour_table_find(table, &news.addr);
}

Test(neighbour_table, who_is_put_is_found_until_it_leaves)
{
	struct neighbour_table *table = neighbour_table_new(2);
	struct neighbour_news news = news_of(0, 7, 1);
	struct neighbour before = {.link = 9}, *entry;

	cr_assert_not_null(table);
	cr_expect_null(find(table, 7));
	entry = neighbour_table_put(table, &news, 100, &before);
	cr_expect_eq(entry->seen_ms, 100);
	cr_expect_not(mac_is_set(before.mac));
	cr_expect_eq(find(table, 7), entry);
	news.addr.port = 4711; /* a port is no part of who it is */
	cr_expect_eq(neighbour_table_find(table, &news.addr), entry);
	news.reachable = false;
	cr_expect_eq(neighbour_table_put(table, &news, 200, &before), entry);
	cr_expect_eq(entry->seen_ms, 100, "stale is not seen");
	cr_expect_eq(before.seen_ms, 100);
	cr_expect(before.reachable);
	cr_expect_eq(neighbour_table_count(table), 1);
	neighbour_table_leave(table, 1, &news.addr);
	cr_expect_eq(find(table, 7), entry, "on the other interface only");
	entry->told_ms = 300;
	cr_expect_eq(neighbour_table_last(table, &news.addr), entry);
	neighbour_table_leave(table, 0, &news.addr);
	cr_expect_null(find(table, 7));
	cr_expect_eq(neighbour_table_last(table, &news.addr), entry, "who was there last");
	cr_expect_eq(neighbour_table_put(table, &news, 400, &before), entry);
	cr_expect_eq(find(table, 7), entry);
	cr_expect_eq(entry->told_ms, 300, "what was told of it is not told again");
	cr_expect_eq(entry->seen_ms, 400);
	neighbour_table_drop_link(table, 0);
	cr_expect_null(find(table, 7));
	cr_expect_null(neighbour_table_last(table, &news.addr));
	cr_expect_eq(neighbour_table_count(table), 0);
	neighbour_table_free(table);
	neighbour_table_free(NULL);
}

Test(neighbour_table, another_card_takes_an_address_with_a_history_of_its_own)
{
	struct neighbour_table *table = neighbour_table_new(1);
	struct neighbour_news news = news_of(0, 7, 2), old = news_of(0, 7, 1);
	struct neighbour before, *entry;

	entry = put(table, 0, 7, 1, 100);
	entry->told_ms = 150;
	entry = neighbour_table_put(table, &news, 200, &before);
	cr_expect_eq(memcmp(before.mac, old.mac, MAC_BYTES), 0);
	cr_expect_eq(memcmp(entry->mac, news.mac, MAC_BYTES), 0);
	cr_expect_eq(entry->told_ms, 0);
	cr_expect_eq(entry->seen_ms, 200);
	cr_expect_null(neighbour_table_of_mac(table, old.mac, NULL));
	cr_expect_eq(neighbour_table_of_mac(table, news.mac, NULL), entry);
	cr_expect_null(neighbour_table_of_mac(table, news.mac, entry));
	neighbour_table_free(table);
}

Test(neighbour_table, of_two_interfaces_the_last_one_counts)
{
	struct neighbour_table *table = neighbour_table_new(2);
	struct neighbour *first = put(table, 0, 7, 1, 100), *second = put(table, 1, 7, 2, 200);

	cr_expect_eq(find(table, 7), second);
	neighbour_table_use(table, first, 300);
	cr_expect_eq(find(table, 7), first);
	neighbour_table_drop_link(table, 0);
	cr_expect_eq(find(table, 7), second);
	cr_expect_eq(neighbour_table_count(table), 1);
	neighbour_table_free(table);
}

/* A camera that goes through 100,000 addresses, with one card and with as many:
 * it pushes out its own, and what had a connection stays. */
Test(neighbour_table, is_bounded_and_others_stay)
{
	struct neighbour_table *table = neighbour_table_new(2);
	struct neighbour *quiet = put(table, 1, 5, 500, 1), *camera = put(table, 0, 6, 600, 2);
	struct neighbour_news card = news_of(0, 0, 9);
	struct neighbour *at = NULL;
	size_t count = 0;

	neighbour_table_use(table, camera, 3);
	for (unsigned i = 0; i < 100 * 1000; i++)
		(void)put(table, 0, 1000 + i, 9, 10 + i);
	cr_expect_eq(neighbour_table_count(table), 2 + NEIGHBOURS_A_MAC);
	while ((at = neighbour_table_of_mac(table, card.mac, at)) != NULL)
		count++;
	cr_expect_eq(count, NEIGHBOURS_A_MAC);
	cr_expect_not_null(find(table, 1000 + 99999), "the newest is there");
	cr_expect_null(find(table, 1000));
	for (unsigned i = 0; i < 100 * 1000; i++)
		(void)put(table, 0, 1000 + i, 1000 + i, 200000 + i);
	cr_expect_eq(neighbour_table_count(table), 1 + NEIGHBOURS_MAX / 2);
	cr_expect_eq(find(table, 5), quiet);
	cr_expect_eq(find(table, 6), camera);
	for (unsigned i = 0; i < 100 * 1000; i++)
		neighbour_table_use(table, put(table, 0, 1000 + i, 1000 + i, 400000 + i),
		    400000 + i);
	cr_expect_eq(neighbour_table_count(table), 1 + NEIGHBOURS_MAX / 2);
	cr_expect_null(find(table, 6), "all have one now, and it is the oldest");
	cr_expect_eq(find(table, 5), quiet);
	neighbour_table_free(table);
}
