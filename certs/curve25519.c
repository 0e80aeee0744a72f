/* SPDX-License-Identifier: MIT */
#include "certs/curve25519.h"

#include <openssl/crypto.h>
#include <stddef.h>
#include <string.h>

enum {
	LIMBS = 5,
	LIMB_BITS = 51,
	DIGITS = 64, /* of 4 bits each */
	ROWS = DIGITS / 2,
	MULTIPLES = 8, /* digits are -8 to 8, so that half as many are kept */
	ROW_DOUBLINGS = 8,
};

#define LIMB_MASK ((UINT64_C(1) << LIMB_BITS) - 1)

__extension__ typedef unsigned __int128 wide;

/*
 * A number modulo p = 2^255 - 19, as the sum of limb[i] * 2^(51 i).  What
 * multiply and square return is "tight": no limb has reached 2^51 + 2^14.  What
 * they take may be "loose": no limb has reached 2^54.  The others neither look
 * nor carry; what comes out is told with each.
 */
struct field {
	uint64_t limb[LIMBS];
};

static const struct field zero, one = {{1}};

/* Of two that are below 2^53: loose. */
static inline struct field
add(const struct field *a, const struct field *b)
{
	struct field sum;

	for (size_t i = 0; i < LIMBS; i++)
		sum.limb[i] = a->limb[i] + b->limb[i];
	return sum;
}

/* a - b + 4p, so that no limb is below zero: b below 2^53 - 76, a below 2^53; loose. */
static inline struct field
subtract(const struct field *a, const struct field *b)
{
	const uint64_t first = (UINT64_C(1) << 53) - 76, other = (UINT64_C(1) << 53) - 4;
	struct field rest = {{a->limb[0] + first - b->limb[0]}};

	for (size_t i = 1; i < LIMBS; i++)
		rest.limb[i] = a->limb[i] + other - b->limb[i];
	return rest;
}

/* What is beyond 2^255 comes back 19 times: 2^255 = 19 (mod p).  Of sums below
 * 2^115 in the first and 2^111 in the last; tight. */
static inline struct field
carry(wide s0, wide s1, wide s2, wide s3, wide s4)
{
	struct field out;

	s1 += (uint64_t)(s0 >> LIMB_BITS);
	s2 += (uint64_t)(s1 >> LIMB_BITS);
	s3 += (uint64_t)(s2 >> LIMB_BITS);
	s4 += (uint64_t)(s3 >> LIMB_BITS);
	out.limb[0] = ((uint64_t)s0 & LIMB_MASK) + (uint64_t)(s4 >> LIMB_BITS) * 19;
	out.limb[1] = ((uint64_t)s1 & LIMB_MASK) + (out.limb[0] >> LIMB_BITS);
	out.limb[0] &= LIMB_MASK;
	out.limb[2] = (uint64_t)s2 & LIMB_MASK;
	out.limb[3] = (uint64_t)s3 & LIMB_MASK;
	out.limb[4] = (uint64_t)s4 & LIMB_MASK;
	return out;
}

static inline struct field
multiply(const struct field *a, const struct field *b)
{
	const uint64_t *x = a->limb, *y = b->limb;
	const uint64_t y1 = y[1] * 19, y2 = y[2] * 19, y3 = y[3] * 19, y4 = y[4] * 19;

	return carry((wide)x[0] * y[0] + (wide)x[1] * y4 + (wide)x[2] * y3 + (wide)x[3] * y2 +
			 (wide)x[4] * y1,
	    (wide)x[0] * y[1] + (wide)x[1] * y[0] + (wide)x[2] * y4 + (wide)x[3] * y3 +
		(wide)x[4] * y2,
	    (wide)x[0] * y[2] + (wide)x[1] * y[1] + (wide)x[2] * y[0] + (wide)x[3] * y4 +
		(wide)x[4] * y3,
	    (wide)x[0] * y[3] + (wide)x[1] * y[2] + (wide)x[2] * y[1] + (wide)x[3] * y[0] +
		(wide)x[4] * y4,
	    (wide)x[0] * y[4] + (wide)x[1] * y[3] + (wide)x[2] * y[2] + (wide)x[3] * y[1] +
		(wide)x[4] * y[0]);
}

static inline struct field
square(const struct field *a)
{
	const uint64_t *x = a->limb;
	const uint64_t d0 = x[0] * 2, d1 = x[1] * 2, x3 = x[3] * 19, x4 = x[4] * 19;

	return carry((wide)x[0] * x[0] + (wide)d1 * x4 + (wide)(x[2] * 2) * x3,
	    (wide)d0 * x[1] + (wide)(x[2] * 2) * x4 + (wide)x[3] * x3,
	    (wide)d0 * x[2] + (wide)x[1] * x[1] + (wide)(x[3] * 2) * x4,
	    (wide)d0 * x[3] + (wide)d1 * x[2] + (wide)x[4] * x4,
	    (wide)d0 * x[4] + (wide)d1 * x[3] + (wide)x[2] * x[2]);
}

static struct field
square_times(struct field a, int times)
{
	for (int i = 0; i < times; i++)
		a = square(&a);
	return a;
}

/* a^(p - 2), which is 1 / a; 0 of 0.  The exponent, 2^255 - 21, is 250 ones and
 * 01011. */
static struct field
invert(const struct field *a)
{
	struct field two = square(a), eight = square_times(two, 2);
	struct field nine = multiply(&eight, a), eleven = multiply(&nine, &two);
	struct field run = square(&eleven), longer, fifty;

	run = multiply(&run, &nine); /* 5 ones */
	longer = square_times(run, 5);
	run = multiply(&longer, &run); /* 10 */
	longer = square_times(run, 10);
	longer = multiply(&longer, &run); /* 20 */
	fifty = square_times(longer, 20);
	longer = multiply(&fifty, &longer); /* 40 */
	longer = square_times(longer, 10);
	fifty = multiply(&longer, &run); /* 50 */
	longer = square_times(fifty, 50);
	run = multiply(&longer, &fifty); /* 100 */
	longer = square_times(run, 100);
	longer = multiply(&longer, &run); /* 200 */
	longer = square_times(longer, 50);
	longer = multiply(&longer, &fifty); /* 250 */
	longer = square_times(longer, 5);
	return multiply(&longer, &eleven);
}

/* The one number below p, little endian; of a tight one. */
static void
put(const struct field *a, uint8_t out[CURVE25519_BYTES])
{
	uint64_t limb[LIMBS], over = 19;

	/* Whether it is p or more is where a + 19 goes beyond 2^255. */
	for (size_t i = 0; i < LIMBS; i++)
		over = (a->limb[i] + over) >> LIMB_BITS;
	over *= 19;
	for (size_t i = 0; i < LIMBS; i++) {
		limb[i] = (a->limb[i] + over) & LIMB_MASK;
		over = (a->limb[i] + over) >> LIMB_BITS;
	}
	for (size_t i = 0; i < CURVE25519_BYTES; i++) {
		size_t bit = i * 8, at = bit / LIMB_BITS, shift = bit % LIMB_BITS;
		uint64_t bits = limb[at] >> shift;

		if (shift > LIMB_BITS - 8 && at + 1 < LIMBS)
			bits |= limb[at + 1] << (LIMB_BITS - shift);
		out[i] = (uint8_t)bits;
	}
}

/* ---- points of edwards25519: -x^2 + y^2 = 1 + d x^2 y^2 ---- */

/* x = X/Z, y = Y/Z, x y = T/Z; all tight. */
struct point {
	struct field x, y, z, t;
};

/* The same with x = X/Z, y = Y/T, as sums come out; all loose. */
struct sum {
	struct field x, y, z, t;
};

/* What a point is added by: Z = 1; all tight. */
struct addend {
	struct field plus;    /* y + x */
	struct field minus;   /* y - x */
	struct field product; /* 2 d x y */
};

static struct addend table[ROWS][MULTIPLES];

static inline struct point
settle(const struct sum *sum)
{
	return (struct point){multiply(&sum->x, &sum->t), multiply(&sum->y, &sum->z),
	    multiply(&sum->z, &sum->t), multiply(&sum->x, &sum->y)};
}

/* Complete: of any two points, equal ones and the neutral one too.  Source:
 * Hisil, Wong, Carter, Dawson, "Twisted Edwards Curves Revisited", 3.1 and 3.3. */
static inline struct point
plus(const struct point *p, const struct addend *q)
{
	struct field high = add(&p->y, &p->x), low = subtract(&p->y, &p->x);
	struct field a = multiply(&high, &q->plus), b = multiply(&low, &q->minus);
	struct field c = multiply(&q->product, &p->t), d = add(&p->z, &p->z);
	struct sum sum = {subtract(&a, &b), add(&a, &b), add(&d, &c), subtract(&d, &c)};

	return settle(&sum);
}

static inline struct point
twice(const struct point *p)
{
	struct field xx = square(&p->x), yy = square(&p->y), zz = square(&p->z);
	struct field both = add(&p->x, &p->y), cross = square(&both);
	struct field y = add(&yy, &xx), z = subtract(&yy, &xx), rest = add(&zz, &zz);
	struct sum sum;

	rest = add(&rest, &xx); /* z itself is too loose to be taken off */
	sum = (struct sum){subtract(&cross, &y), y, z, subtract(&rest, &yy)};

	return settle(&sum);
}

/* ---- the table ---- */

/* RFC 7748 section 4.1: d of edwards25519, and its base point. */
static struct field
make_d(void)
{
	const struct field top = {{121665}}, bottom = {{121666}};
	struct field inverse = invert(&bottom), quotient = multiply(&top, &inverse);
	struct field d = subtract(&zero, &quotient);

	return multiply(&d, &one);
}

static struct point
base_point(void)
{
	struct point base = {
	    .x = {{0x62d608f25d51a, 0x412a4b4f6592a, 0x75b7171a4b31d, 0x1ff60527118fe,
		0x216936d3cd6e5}},
	    .y = {{0x6666666666658, 0x4cccccccccccc, 0x1999999999999, 0x3333333333333,
		0x6666666666666}},
	    .z = one,
	};

	base.t = multiply(&base.x, &base.y);
	return base;
}

static struct addend
addend_of(const struct point *p, const struct field *d)
{
	struct field z = invert(&p->z), x = multiply(&p->x, &z), y = multiply(&p->y, &z);
	struct field high = add(&y, &x), low = subtract(&y, &x), product = multiply(&x, &y);

	product = multiply(&product, d);
	product = add(&product, &product);
	return (
	    struct addend){multiply(&high, &one), multiply(&low, &one), multiply(&product, &one)};
}

/* Row i has 1 to 8 times 256^i times the base point. */
void
curve25519_open(void)
{
	struct point base = base_point();
	const struct field d = make_d();

	for (size_t i = 0; i < ROWS; i++) {
		struct point multiple = base;

		table[i][0] = addend_of(&base, &d);
		for (size_t j = 1; j < MULTIPLES; j++) {
			multiple = plus(&multiple, &table[i][0]);
			table[i][j] = addend_of(&multiple, &d);
		}
		for (size_t j = 0; j < ROW_DOUBLINGS; j++)
			base = twice(&base);
	}
}

/* ---- the multiple ---- */

/* All ones where a and b, below 2^31, are equal.  The compiler must not see that
 * it is one of two, or it may branch on it. */
static inline uint64_t
mask_equal(uint32_t a, uint32_t b)
{
	uint64_t mask = (uint64_t)0 - (((uint64_t)(a ^ b) - 1) >> 63);

	__asm__("" : "+r"(mask));
	return mask;
}

static inline void
take(struct field *to, const struct field *from, uint64_t mask)
{
	for (size_t i = 0; i < LIMBS; i++)
		to->limb[i] ^= (to->limb[i] ^ from->limb[i]) & mask;
}

/* digit times the row's first: all of the row is read. */
static inline struct addend
choose(const struct addend row[MULTIPLES], int8_t digit)
{
	uint32_t negative = (uint8_t)digit >> 7;
	uint32_t size = (uint8_t)((digit ^ -(int)negative) + (int)negative);
	uint64_t turn = mask_equal(negative, 1);
	struct addend chosen = {one, one, zero};
	struct field swapped, opposite;

	for (uint32_t i = 0; i < MULTIPLES; i++) {
		uint64_t mask = mask_equal(size, i + 1);

		take(&chosen.plus, &row[i].plus, mask);
		take(&chosen.minus, &row[i].minus, mask);
		take(&chosen.product, &row[i].product, mask);
	}
	swapped = chosen.plus;
	take(&chosen.plus, &chosen.minus, turn);
	take(&chosen.minus, &swapped, turn);
	opposite = subtract(&zero, &chosen.product);
	take(&chosen.product, &opposite, turn);
	return chosen;
}

/* private as the sum of digit[i] * 16^i, each from -8 to 8. */
static void
cut(const uint8_t private[CURVE25519_BYTES], int8_t digit[DIGITS])
{
	int over = 0;

	for (size_t i = 0; i < DIGITS; i++) {
		int nibble = (private[i / 2] >> (i % 2 * 4) & 15) + over;

		over = i + 1 < DIGITS ? (nibble + 8) >> 4 : 0;
		digit[i] = (int8_t)(nibble - over * 16);
	}
}

void
curve25519_public(const uint8_t private[CURVE25519_BYTES], uint8_t public[CURVE25519_BYTES])
{
	struct point point = {zero, one, one, zero};
	struct field top, bottom;
	struct addend chosen;
	int8_t digit[DIGITS];

	cut(private, digit);
	for (size_t i = 1; i < DIGITS; i += 2) {
		chosen = choose(table[i / 2], digit[i]);
		point = plus(&point, &chosen);
	}
	for (int i = 0; i < 4; i++)
		point = twice(&point);
	for (size_t i = 0; i < DIGITS; i += 2) {
		chosen = choose(table[i / 2], digit[i]);
		point = plus(&point, &chosen);
	}
	/* RFC 7748 section 4.1: u = (1 + y) / (1 - y). */
	top = add(&point.z, &point.y);
	bottom = subtract(&point.z, &point.y);
	bottom = invert(&bottom);
	top = multiply(&top, &bottom);
	put(&top, public);
	OPENSSL_cleanse(digit, sizeof(digit));
	OPENSSL_cleanse(&point, sizeof(point));
	OPENSSL_cleanse(&chosen, sizeof(chosen));
}
