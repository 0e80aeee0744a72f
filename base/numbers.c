/* SPDX-License-Identifier: MIT */
#include "base/numbers.h"

#include <stdlib.h>
#include <string.h>

int
numbers_add(struct numbers *numbers, uint32_t number, uint32_t value)
{
	if (numbers->count == numbers->room) {
		size_t room = numbers->room == 0 ? 64 : numbers->room * 2;
		struct number *list = reallocarray(numbers->list, room, sizeof(*list));

		if (list == NULL)
			return -1;
		numbers->list = list;
		numbers->room = room;
	}
	numbers->list[numbers->count++] = (struct number){number, value};
	return 0;
}

static int
compare(const void *left, const void *right)
{
	const struct number *a = left, *b = right;

	if (a->number != b->number)
		return a->number < b->number ? -1 : 1;
	return a->value < b->value ? -1 : a->value > b->value;
}

void
numbers_sort(struct numbers *numbers)
{
	if (numbers->count > 1)
		qsort(numbers->list, numbers->count, sizeof(*numbers->list), compare);
}

bool
numbers_twin(const struct numbers *numbers, size_t index)
{
	return index > 0 && numbers->list[index].number == numbers->list[index - 1].number;
}

const struct number *
numbers_find(const struct numbers *numbers, uint32_t number)
{
	size_t from = 0, to = numbers->count;

	while (from < to) {
		size_t middle = from + (to - from) / 2;

		if (numbers->list[middle].number < number)
			from = middle + 1;
		else
			to = middle;
	}
	if (from == numbers->count || numbers->list[from].number != number)
		return NULL;
	return &numbers->list[from];
}

void
numbers_free(struct numbers *numbers)
{
	free(numbers->list);
	*numbers = (struct numbers){0};
}

bool
asn_parse(const char *text, uint32_t *out)
{
	uint64_t value = 0;

	if (*text == '\0' || strlen(text) > 10)
		return false;
	for (; *text != '\0'; text++) {
		if (*text < '0' || *text > '9')
			return false;
		value = value * 10 + (uint64_t)(*text - '0');
	}
	*out = (uint32_t)value;
	return value > 0 && value <= UINT32_MAX;
}
