/* SPDX-License-Identifier: MIT */
#include "tests/inspect/meter.h"
#include "tests/support/media.h"

#include <criterion/parameterized.h>
#include <openssl/evp.h>
#include <zlib.h>

/* Every container and codec that is named in the manual, made by ffmpeg. */
struct row {
	char name[24];
	enum payload_class class;
	char format[16];
	bool middle; /* identified from its middle, too */
	char arguments[160];
};

#define H264 "-c:v libx264 -preset ultrafast -g 12 "
#define FILM H264 "-c:a aac "

static struct row rows[] = {
    {"h264", PAYLOAD_VIDEO, "h264", true,
	"-map 0 -s 64x48 -c:v libx264 -x264-params keyint=2 -f h264"},
    {"h264 delimited", PAYLOAD_VIDEO, "h264", false, "-map 0 " H264 "-x264-params aud=1 -f h264"},
    {"h264 main", PAYLOAD_VIDEO, "h264", false, "-map 0 -c:v libx264 -profile:v main -f h264"},
    {"h264 baseline", PAYLOAD_VIDEO, "h264", false,
	"-map 0 -c:v libx264 -profile:v baseline -f h264"},
    {"h265", PAYLOAD_VIDEO, "h265", false,
	"-map 0 -c:v libx265 -preset ultrafast -x265-params log-level=error:pools=1 -f hevc"},
    {"mp4", PAYLOAD_VIDEO, "mp4", false, FILM "-f mp4"},
    {"mp4 index first", PAYLOAD_VIDEO, "mp4", false, FILM "-movflags faststart -f mp4"},
    {"mp4 of h265", PAYLOAD_VIDEO, "mp4", false,
	"-c:v libx265 -preset ultrafast -x265-params log-level=error:pools=1 -c:a aac -f mp4"},
    {"mp4 fragments", PAYLOAD_VIDEO, "mp4", false,
	FILM "-movflags frag_keyframe+empty_moov -f mp4"},
    {"quicktime", PAYLOAD_VIDEO, "mp4", false, FILM "-movflags faststart -f mov"},
    {"m4a", PAYLOAD_AUDIO, "mp4", false, "-map 1 -c:a aac -f ipod"},
    {"mp4 of audio", PAYLOAD_AUDIO, "mp4", false,
	"-map 1 -c:a aac -movflags empty_moov+frag_keyframe -f mp4"},
    {"mpegts", PAYLOAD_VIDEO, "mpegts", true, FILM "-f mpegts"},
    {"mpegts of audio", PAYLOAD_AUDIO, "mpegts", true, "-map 1 -c:a aac -f mpegts"},
    {"mpegts 192", PAYLOAD_VIDEO, "mpegts", false, FILM "-mpegts_m2ts_mode 1 -f mpegts"},
    {"mpegps", PAYLOAD_VIDEO, "mpegps", true, "-c:v mpeg2video -c:a mp2 -f vob"},
    {"mpeg1 system", PAYLOAD_VIDEO, "mpegps", true,
	"-c:v mpeg1video -r 25 -c:a mp2 -ar 44100 -f mpeg"},
    {"mpeg2", PAYLOAD_VIDEO, "mpeg2", false, "-map 0 -c:v mpeg2video -f mpeg2video"},
    {"mpeg4", PAYLOAD_VIDEO, "mpeg4", false, "-map 0 -c:v mpeg4 -f m4v"},
    {"matroska", PAYLOAD_VIDEO, "mkv", false, FILM "-f matroska"},
    {"webm of audio", PAYLOAD_AUDIO, "mkv", false, "-map 1 -c:a libopus -f webm"},
    {"flv", PAYLOAD_VIDEO, "flv", false, FILM "-ar 44100 -f flv"},
    {"flv of audio", PAYLOAD_AUDIO, "flv", false, "-map 1 -c:a aac -ar 44100 -f flv"},
    {"avi", PAYLOAD_VIDEO, "avi", false, "-c:v mjpeg -c:a pcm_s16le -f avi"},
    {"asf", PAYLOAD_VIDEO, "asf", false, FILM "-f asf"},
    {"adts", PAYLOAD_AUDIO, "aac", true, "-map 1 -c:a aac -f adts"},
    {"mp3", PAYLOAD_AUDIO, "mpeg-audio", false, "-map 1 -c:a libmp3lame -id3v2_version 0 -f mp3"},
    {"mp2", PAYLOAD_AUDIO, "mpeg-audio", false, "-map 1 -c:a mp2 -f mp2"},
    {"wav alaw", PAYLOAD_AUDIO, "wav", false, "-map 1 -c:a pcm_alaw -f wav"},
    {"wav mulaw", PAYLOAD_AUDIO, "wav", false, "-map 1 -c:a pcm_mulaw -f wav"},
    {"ogg opus", PAYLOAD_AUDIO, "ogg", true, "-map 1 -c:a libopus -f ogg"},
    {"ogg theora", PAYLOAD_VIDEO, "ogg", false, "-map 0 -c:v libtheora -f ogg"},
    {"flac", PAYLOAD_AUDIO, "flac", false, "-map 1 -c:a flac -f flac"},
    {"jpeg", PAYLOAD_IMAGE, "jpeg", false, "-map 0 -frames:v 1 -c:v mjpeg -f image2"},
    {"png", PAYLOAD_IMAGE, "png", false, "-map 0 -frames:v 1 -c:v png -f image2"},
    {"webp", PAYLOAD_IMAGE, "webp", false, "-map 0 -frames:v 1 -c:v libwebp -f webp"},
    {"gif", PAYLOAD_IMAGE, "gif", false, "-map 0 -frames:v 1 -f gif"},
    {"bmp", PAYLOAD_IMAGE, "bmp", false, "-map 0 -frames:v 1 -c:v bmp -f image2"},
};

static void
expect(const struct row *row, const char *how, const struct payload_facts *facts)
{
	cr_expect_eq(facts->class, row->class, "%s %s: is %s", row->name, how,
	    payload_class_name(facts->class));
	cr_expect_eq(facts->confidence, CONFIDENCE_IDENTIFIED, "%s %s: %s", row->name, how,
	    confidence_name(facts->confidence));
	cr_expect_str_eq(facts->format, row->format, "%s %s: '%s'", row->name, how, facts->format);
	cr_expect_eq(facts->direction, DIRECTION_UP);
}

/* In a part of a form, between two fields of text. */
static void
expect_in_parts(const struct row *row, const uint8_t *media, size_t size)
{
	static const char before[] =
	    "--fence\r\nContent-Disposition: form-data; name=\"id\"\r\n\r\n17\r\n"
	    "--fence\r\nContent-Disposition: form-data; name=\"f\"; filename=\"f.bin\"\r\n"
	    "Content-Type: application/octet-stream\r\n\r\n";
	static const char after[] = "\r\n--fence--\r\n";
	struct payload_hint hint = {.type = "multipart/form-data; boundary=fence"};
	uint8_t *form = malloc(size + sizeof(before) + sizeof(after));
	struct payload_facts facts;

	cr_assert_not_null(form);
	memcpy(form, before, sizeof(before) - 1);
	memcpy(form + sizeof(before) - 1, media, size);
	memcpy(form + sizeof(before) - 1 + size, after, sizeof(after) - 1);
	facts = meter_message(form, sizeof(before) + sizeof(after) - 2 + size, 1400, &hint);
	expect(row, "in parts", &facts);
	cr_expect_geq(facts.up[row->class], size * 9 / 10, "nearly all of it is that");
	free(form);
}

static void
expect_in_json(const struct row *row, const uint8_t *media, size_t size)
{
	static const char before[] = "{\"device\":\"cam-7\",\"time\":1700000000,\"data\":\"";
	size_t room = size * 4 / 3 + 100, used = sizeof(before) - 1;
	uint8_t *json = malloc(room);
	struct payload_facts facts;

	cr_assert_not_null(json);
	memcpy(json, before, used);
	used += (size_t)EVP_EncodeBlock(json + used, media, (int)size);
	memcpy(json + used, "\"}", 2);
	facts = meter_message(json, used + 2, 1400, NULL);
	expect(row, "in JSON", &facts);
	cr_expect_eq(facts.up[row->class], used + 2, "all of the message is that");
	free(json);
}

static void
expect_in_gzip(const struct row *row, const uint8_t *media, size_t size)
{
	z_stream stream = {0};
	uint8_t *out = malloc(size + 1000);
	struct payload_facts facts;
	uint8_t *copy = malloc(size);

	cr_assert(out != NULL && copy != NULL);
	memcpy(copy, media, size);
	cr_assert_eq(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
	stream.next_in = copy;
	stream.avail_in = (uInt)size;
	stream.next_out = out;
	stream.avail_out = (uInt)(size + 1000);
	cr_assert_eq(deflate(&stream, Z_FINISH), Z_STREAM_END);
	facts = meter_message(out, stream.total_out, 1400, NULL);
	(void)deflateEnd(&stream);
	expect(row, "in gzip", &facts);
	free(copy);
	free(out);
}

ParameterizedTestParameters(payload_corpus, is_told)
{
	return cr_make_param_array(struct row, rows, sizeof(rows) / sizeof(*rows));
}

ParameterizedTest(struct row *row, payload_corpus, is_told, .timeout = 60)
{
	size_t size;
	uint8_t *media;
	struct payload_facts facts;

	if (!media_can_make())
		cr_skip_test("there is no ffmpeg here");
	media = media_make(row->arguments, &size);
	facts = meter_message(media, size, 1400, NULL);
	expect(row, "as it is", &facts);
	facts = meter_message(media, size, SIZE_MAX, NULL);
	expect(row, "in one piece", &facts);
	facts = meter_message(media, size < 9000 ? size : 9000, 1, NULL);
	expect(row, "byte by byte", &facts);
	expect_in_parts(row, media, size);
	expect_in_json(row, media, size);
	expect_in_gzip(row, media, size);
	if (row->middle) {
		facts = meter_message(media + size / 2, size - size / 2, 1400, NULL);
		expect(row, "from its middle", &facts);
	}
	free(media);
}

/* Pictures one behind the other are a film, but the first alone is a picture. */
Test(payload_corpus, pictures_in_a_row_are_a_film, .timeout = 60)
{
	size_t size;
	uint8_t *media;
	struct payload_facts facts;

	if (!media_can_make())
		cr_skip_test("there is no ffmpeg here");
	media = media_make("-map 0 -c:v mjpeg -f mjpeg", &size);
	facts = meter_message(media, size, 1400, NULL);
	cr_expect_eq(facts.class, PAYLOAD_VIDEO);
	cr_expect_eq(facts.confidence, CONFIDENCE_IDENTIFIED);
	cr_expect_str_eq(facts.format, "mjpeg");
	cr_expect_eq(facts.seen_up[PAYLOAD_IMAGE], CONFIDENCE_IDENTIFIED, "it began as one");
	facts = meter_message(media, size, 3, NULL);
	cr_expect_eq(facts.class, PAYLOAD_VIDEO, "whatever cuts it");
	facts = meter_message(media, 4000, 1400, NULL);
	cr_expect_eq(facts.class, PAYLOAD_IMAGE);
	free(media);
}

/* The index stands behind the samples, and the first of these is of audio. */
Test(payload_corpus, a_file_without_its_index_is_probably_video, .timeout = 60)
{
	size_t size;
	uint8_t *media;
	struct payload_facts facts;

	if (!media_can_make())
		cr_skip_test("there is no ffmpeg here");
	media = media_make(FILM "-f mov", &size);
	facts = meter_message(media, size, 1400, NULL);
	cr_expect_eq(facts.class, PAYLOAD_VIDEO);
	cr_expect_eq(facts.confidence, CONFIDENCE_PROBABLE);
	free(media);
}
