/* SPDX-License-Identifier: MIT */
/* Servers that greet, and commands of a line: SMTP, FTP, POP3, IMAP; and TLS that
 * begins in their middle. */
#include "tests/inspect/talk.h"

static uint64_t
body(const uint64_t by_class[PAYLOAD_COUNT])
{
	return counted(by_class) - by_class[PAYLOAD_CONTROL];
}

/* ---- SMTP ---- */

static const struct said mail[] = {DOWN("220-mx.example ESMTP Postfix\r\n220 welcome\r\n"),
    UP("EHLO lobby-3.site.example\r\n"),
    DOWN("250-mx.example\r\n250-PIPELINING\r\n250 AUTH LOGIN\r\n"), UP("AUTH LOGIN\r\n"),
    DOWN("334 VXNlcm5hbWU6\r\n"), UP("Y2FtZXJh\r\n"), DOWN("334 UGFzc3dvcmQ6\r\n"),
    UP("STARTTLS\r\n"), /* a password, and no command */
    DOWN("235 ok\r\n"), UP("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nRCPT TO:<x@d>\r\nDATA\r\n"),
    DOWN("250 ok\r\n250 ok\r\n550 no\r\n354 go on\r\n"),
    UP("Subject: motion\r\n\r\n..dots\r\n.x\r\n\r.\r\n.\r\n"),
    UP("MAIL FROM:<a@b>\r\nRCPT TO:<c@d>\r\nBDAT 5\r\nab.\r\nBDAT 0 LAST\r\nQUIT\r\n"),
    DOWN("250 queued\r\n250 ok\r\n250 ok\r\n250 5 octets\r\n250 queued\r\n221 bye\r\n"), {0}};

Test(smtp, says_who_and_meters_mails)
{
	struct heard heard = hear_all(mail);

	cr_expect_eq(heard.app.proto, APP_SMTP);
	cr_expect_str_eq(heard.app.client, "lobby-3.site.example");
	cr_expect_str_eq(heard.app.agent, "mx.example ESMTP Postfix");
	cr_expect_str_eq(heard.app.method, "EHLO");
	cr_expect(heard.app.credentials);
	cr_expect_not(heard.app.confused);
	cr_expect_not(heard.app.starttls);
	cr_expect_eq(body(heard.payload.up), 38 + 5, "%zu", (size_t)body(heard.payload.up));
	cr_expect_null(memmem(&heard, sizeof(heard), "Y2FtZXJh", 8));
}

/* What is sent as a mail and has no header of one is what it is. */
Test(smtp, whose_mail_is_none_is_told_by_what_it_is)
{
	const struct heard heard = hear_all(TALK(DOWN("220 smtp\r\n"),
	    UP("EHLO a\r\nBDAT 26 LAST\r\n\x89PNG\r\n\x1a\n\0\0\0\rIHDR\0\0\1\0\0\0\1\0\x08\2"
	       "QUIT\r\n")));

	cr_expect_eq(heard.payload.class, PAYLOAD_IMAGE);
	cr_expect_eq(heard.payload.up[PAYLOAD_IMAGE], 26);
	cr_expect_not(heard.app.confused);
}

Test(smtp, whose_data_is_refused_goes_on_with_commands)
{
	struct heard heard =
	    hear_all(TALK(DOWN("220 a ESMTP\r\n"), UP("HELO c\r\n"), DOWN("250 a\r\n"),
		UP("DATA\r\n"), DOWN("503 no\r\n"), UP("QUIT\r\n"), DOWN("221 b\r\n")));

	cr_expect_not(heard.app.confused);
	cr_expect_eq(body(heard.payload.up), 0, "%zu", (size_t)body(heard.payload.up));
	cr_expect_eq(heard.app.requests, 3);
}

/* ---- TLS in the middle ---- */

static const struct {
	const char *what;
	struct said talk[12];
	enum app_proto proto;
	size_t up, down; /* bytes that may be forwarded */
	bool tls, confused;
} switches[] = {
    {"smtp",
	{DOWN("220 mx ESMTP\r\n"), UP("EHLO c\r\n"), DOWN("250-mx\r\n250 STARTTLS\r\n"),
	    UP("STARTTLS\r\n"), DOWN("220 go\r\n"), TLS, UP("EHLO c\r\n"), DOWN("250 mx\r\n"),
	    UP("STARTTLS\r\n"), DOWN("503 inside\r\n")},
	APP_SMTP, 8 + 10 + 8 + 10, 14 + 22 + 8 + 8 + 12, true, false},
    {"smtp, with more behind the command",
	{DOWN("220 mx ESMTP\r\n"), UP("EHLO c\r\nSTARTTLS\r\nMAIL FROM:<evil>\r\n"), UP("RSET\r\n"),
	    DOWN("250 STARTTLS\r\n220 go\r\n"), TLS},
	APP_SMTP, 18, 14 + 14 + 8, true, true},
    {"smtp, with more behind the answer",
	{DOWN("220 mx ESMTP\r\n"), UP("EHLO c\r\n"), DOWN("250 STARTTLS\r\n"), UP("STARTTLS\r\n"),
	    DOWN("220 go\r\n250-evil\r\n"), TLS},
	APP_SMTP, 18, 14 + 14 + 8, true, true},
    {"smtp, refused",
	{DOWN("220 mx ESMTP\r\n"), UP("EHLO c\r\n"), DOWN("250 STARTTLS\r\n"), UP("STARTTLS\r\n"),
	    DOWN("454 not now\r\n"), TLS, UP("QUIT\r\n"), DOWN("221 b\r\n")},
	APP_SMTP, 18 + 6, 14 + 14 + 13 + 7, false, false},
    {"smtp, the answer of another command does not grant it",
	{DOWN("220 mx ESMTP\r\n"), UP("NOOP\r\nSTARTTLS\r\n"), DOWN("220 trick\r\n"), TLS},
	APP_SMTP, 16, 14 + 11, false, false},
    {"ftp",
	{DOWN("220-hi\r\n that is\r\n220 cam FTP\r\n"), UP("AUTH TLS\r\n"), DOWN("234 ok\r\n"), TLS,
	    UP("USER u\r\n"), DOWN("331 p\r\n"), UP("PASS secret\r\n"), DOWN("230 in\r\n"),
	    UP("STOR /rec/1.mp4\r\n"), DOWN("150 go\r\n226 done\r\n")},
	APP_FTP, 10 + 8 + 13 + 17, 8 + 10 + 13 + 8 + 7 + 8 + 18, true, false},
    {"pop3",
	{DOWN("+OK <1@x>\r\n"), UP("CAPA\r\nSTLS\r\n"), DOWN("+OK\r\nSTLS\r\n.\r\n+OK begin\r\n"),
	    TLS, UP("USER x\r\n"), DOWN("+OK\r\n")},
	APP_POP3, 12 + 8, 11 + 25 + 5, true, false},
    {"imap",
	{DOWN("* OK ready\r\n"), UP("a STARTTLS\r\n"), DOWN("* CAPABILITY X\r\na OK begin\r\n"),
	    TLS, UP("b LOGIN u p\r\n"), DOWN("b OK\r\n")},
	APP_IMAP, 12 + 13, 12 + 28 + 6, true, false},
    {"imap, another tag",
	{DOWN("* OK ready\r\n"), UP("a NOOP\r\nb STARTTLS\r\n"), DOWN("a OK\r\n"), TLS}, APP_IMAP,
	20, 12 + 6, false, false},
};

Test(starttls, begins_where_it_is_granted_and_nothing_before_gets_in)
{
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++) {
		struct heard heard = hear_all(switches[i].talk);

		cr_expect_eq(heard.app.proto, switches[i].proto, "%s", switches[i].what);
		cr_expect_eq(heard.asked_for_tls, switches[i].tls, "%s", switches[i].what);
		cr_expect_eq(heard.app.starttls, switches[i].tls, "%s", switches[i].what);
		cr_expect_eq(heard.app.confused, switches[i].confused, "%s", switches[i].what);
		cr_expect_eq(heard.forwarded[0], switches[i].up, "%s: %zu", switches[i].what,
		    heard.forwarded[0]);
		cr_expect_eq(heard.forwarded[1], switches[i].down, "%s: %zu", switches[i].what,
		    heard.forwarded[1]);
	}
}

Test(starttls, that_is_not_opened_is_opaque)
{
	static const struct said start[] = {DOWN("220 mx ESMTP\r\n"), UP("STARTTLS\r\n"),
	    DOWN("220 go\r\n"), UP("\x16\x03\x01\0\5hello")};
	struct inspection *inspection = inspection_open(&about_plain);
	struct heard heard = {0};

	for (unsigned i = 0; i < 3; i++)
		say(inspection, &start[i], 100, &heard);
	cr_assert(inspection_starts_tls(inspection));
	inspection_tls_started(inspection, false);
	cr_expect_not(inspection_starts_tls(inspection));
	say(inspection, &start[3], 100, &heard);
	cr_expect(heard.app.opaque_inner);
	cr_expect(heard.app.starttls);
	cr_expect_eq(heard.app.proto, APP_SMTP);
	cr_expect_eq(body(heard.payload.up), 10, "%zu", (size_t)body(heard.payload.up));
	inspection_end(inspection, DIRECTION_UP, &heard.app, &heard.payload);
	inspection_close(inspection);
}

/* ---- FTP, POP3, IMAP ---- */

static const struct said files[] = {DOWN("220 (vsFTPd 3.0.3)\r\n"), UP("USER cam\r\n"),
    DOWN("331 say it\r\n"), UP("PASS c2VjcmV0\r\n"),
    DOWN("230-welcome\r\n250 no end\r\n  x\r\n230 in\r\n"), UP("PASV\r\n"),
    DOWN("227 Entering (10,0,0,1,4,1)\r\n"), UP("STOR a/b.jpg\r\n"), DOWN("150 ok\r\n226 ok\r\n"),
    UP("QUIT\r\n"), DOWN("221 bye\r\n"), {0}};

Test(ftp, says_the_file_and_keeps_no_password)
{
	struct heard heard = hear_all(files);

	cr_expect_eq(heard.app.proto, APP_FTP);
	cr_expect_str_eq(heard.app.method, "USER");
	cr_expect_str_eq(heard.app.path, "a/b.jpg");
	cr_expect_str_eq(heard.app.agent, "(vsFTPd 3.0.3)");
	cr_expect_eq(heard.app.requests, 5);
	cr_expect(heard.app.credentials);
	cr_expect_not(heard.app.confused);
	cr_expect_null(memmem(&heard, sizeof(heard), "c2VjcmV0", 8));
}

Test(ftp, tells_where_a_file_is_to_go)
{
	static const struct {
		const char *answer, *data;
	} rows[] = {
	    {"227 Entering Passive Mode (10,0,0,1,4,1)\r\n", "10.0.0.1:1025"},
	    {"227 =10,0,0,1,255,255\r\n", "10.0.0.1:65535"},
	    {"227 10,0,0,1,4,256\r\n", ""},
	    {"227 10,0,0,1,256,4\r\n", ""},
	    {"227 10,0,0,1,4\r\n", ""},
	    {"227 \r\n", ""},
	    {"227-10,0,0,1,4,1\r\n227 no\r\n", ""},
	    {"229 Extended (|||6446|)\r\n", "[::]:6446"},
	    {"229 Extended (!!!1!)\r\n", "[::]:1"},
	    {"229 Extended (|1|192.0.2.7|6446|)\r\n", "192.0.2.7:6446"},
	    {"229 Extended (|2|2001:db8::7|6446|)\r\n", "[2001:db8::7]:6446"},
	    {"229 Extended (|1|192.0.2.777|6446|)\r\n", ""},
	    {"229 Extended (|1|there|6446|)\r\n", ""},
	    {"229 Extended (|||65536|)\r\n", ""},
	    {"229 Extended (||!6446|)\r\n", ""},
	    {"229 Extended (|||6446\r\n", ""},
	    {"229 Extended (||\r\n", ""},
	    {"229 (\r\n", ""},
	    {"200 10,0,0,1,4,1\r\n", ""},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		const struct said all[] = {DOWN("220 FTP\r\n"), UP("PASV\r\n"),
		    {DIRECTION_DOWN, rows[i].answer, strlen(rows[i].answer)}, {0}};
		struct heard heard = hear_all(all);
		char data[ADDR_TEXT_MAX] = "";

		if (heard.app.data.port != 0)
			(void)addr_text_port(&heard.app.data, data);
		cr_expect_str_eq(data, rows[i].data, "row %zu: %s", i, data);
		cr_expect_not(heard.app.active_data);
	}
}

Test(ftp, tells_of_a_camera_that_wants_to_be_connected_to)
{
	static const char *const asked[] = {"PORT 10,0,0,1,4,1\r\n", "eprt |1|10.0.0.1|1025|\r\n"};

	for (size_t i = 0; i < 2; i++) {
		const struct said all[] = {DOWN("220 FTP\r\n"),
		    {DIRECTION_UP, asked[i], strlen(asked[i])}, DOWN("200 ok\r\n"), {0}};
		struct heard heard = hear_all(all);

		cr_expect(heard.app.active_data);
		cr_expect_eq(heard.app.data.port, 0);
		cr_expect_not(heard.app.confused);
	}
}

static const struct said letters[] = {DOWN("+OK dovecot ready\r\n"), UP("USER c\r\n"),
    DOWN("+OK\r\n"), UP("PASS c2VjcmV0\r\n"), DOWN("+OK in\r\n"),
    UP("LIST\r\nLIST 1\r\nRETR 1\r\n"),
    DOWN("+OK 1\r\n1 99\r\n.\r\n+OK 1 99\r\n+OK 99\r\n\r\n\1\xfe\2\xff\4\x80\6\r\n+OK\r\n.\r\n"),
    UP("RETR 9\r\nAUTH PLAIN\r\n"), DOWN("-ERR no\r\n+ \r\n"), UP("STLS\r\n"), DOWN("+OK\r\n"),
    UP("QUIT\r\n"), DOWN("+OK\r\n"), {0}};

Test(pop3, meters_what_it_fetches)
{
	struct heard heard = hear_all(letters);

	cr_expect_eq(heard.app.proto, APP_POP3);
	cr_expect_str_eq(heard.app.agent, "dovecot ready");
	cr_expect(heard.app.credentials);
	cr_expect_not(heard.app.confused);
	/* The mail; the lines of a list are text. */
	cr_expect_eq(body(heard.payload.down), 19, "%zu", (size_t)body(heard.payload.down));
}

static const struct said boxes[] = {DOWN("* OK [CAPABILITY IMAP4rev1] Dovecot ready\r\n"),
    UP("a LOGIN {3}\r\n"), DOWN("+ go\r\n"), UP("\1\xfe\3 {7+}\r\n\1\xfe\3\xff\r\nx\r\n"),
    DOWN("a OK in\r\n"), UP("b APPEND x {7}\r\n"), DOWN("b NO full\r\n"), UP("c APPEND x {7}\r\n"),
    DOWN("+ go\r\n"), UP("\r\n\1\xfe\3\xff\5\r\n"),
    DOWN("* 1 FETCH (BODY {9}\r\n\r\n\1\xfe\r\n* \3)\r\nc OK\r\n"), UP("d AUTHENTICATE PLAIN\r\n"),
    DOWN("+ \r\n"), UP("d STARTTLS\r\n"), DOWN("d OK\r\n"), {0}};

Test(imap, follows_literals_of_both_sides)
{
	struct heard heard = hear_all(boxes);

	cr_expect_eq(heard.app.proto, APP_IMAP);
	cr_expect_str_eq(heard.app.method, "LOGIN");
	cr_expect_str_eq(heard.app.agent, "[CAPABILITY IMAP4rev1] Dovecot ready");
	cr_expect(heard.app.credentials);
	cr_expect_not(heard.app.confused);
	cr_expect_not(heard.app.starttls);
	cr_expect_eq(body(heard.payload.up), 7, "%zu", (size_t)body(heard.payload.up));
	cr_expect_eq(body(heard.payload.down), 9, "%zu", (size_t)body(heard.payload.down));
}

/* ---- what greets alike, and what is none of them ---- */

Test(dialogs, that_greet_alike_are_told_apart)
{
	static const struct {
		struct said talk[4];
		uint16_t port;
		enum app_proto proto;
	} rows[] = {
	    {{DOWN("220 ready\r\n"), UP("EHLO x\r\n")}, 4711, APP_SMTP},
	    {{DOWN("220 ready\r\n"), UP("USER x\r\n")}, 4711, APP_FTP},
	    {{DOWN("220 ready\r\n")}, 21, APP_FTP},
	    {{DOWN("220 ready\r\n")}, 587, APP_SMTP},
	    {{DOWN("220 ProFTPD\r\n")}, 25, APP_FTP},
	    {{DOWN("220 ready\r\n")}, 4711, APP_UNKNOWN},
	};

	for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		struct inspection_about about = {.port = rows[i].port};
		struct heard heard;

		hear_about(rows[i].talk, &about, &heard);
		cr_expect_eq(heard.app.proto, rows[i].proto, "row %zu", i);
	}
}

Test(dialogs, that_break_their_rules_are_not_followed)
{
	static char line[9000];
	struct said endless[] = {DOWN("220 mx ESMTP\r\n"), {DIRECTION_UP, line, sizeof(line)}, {0}};

	memset(line, 'a', sizeof(line));
	cr_expect(hear_all(endless).app.confused);
	cr_expect(hear_all(TALK(DOWN("220 mx ESMTP\r\nhello\r\n"))).app.confused);
	cr_expect(hear_all(TALK(DOWN("+OK\r\n"), UP("NOOP\r\n"), DOWN("hello\r\n"))).app.confused);
	cr_expect(
	    hear_all(TALK(DOWN("* OK\r\n"), UP("a NOOP\r\n"), DOWN("a HM\r\n"))).app.confused);
}

Test(dialogs, cut_or_changed_anywhere_are_survived)
{
	hear_broken(mail);
	hear_broken(files);
	hear_broken(letters);
	hear_broken(boxes);
	for (size_t i = 0; i < sizeof(switches) / sizeof(switches[0]); i++)
		hear_broken(switches[i].talk);
}
