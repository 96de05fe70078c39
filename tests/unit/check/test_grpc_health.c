/* The oracle is protobuf-c with code generated from proto/grpc_health.proto. */
#include "check/grpc_health.h"

#include <errno.h>

#include <criterion/criterion.h>

#include "grpc_health.pb-c.h"

enum { PREFIX = 5 };

static const uint8_t *framed(const struct buf *b, size_t *ret_len)
{
	const uint8_t *at = buf_head(b);

	cr_assert_geq(buf_len(b), PREFIX);
	cr_assert_eq(at[0], 0, "not compressed");
	*ret_len = (size_t)at[1] << 24 | (size_t)at[2] << 16 | (size_t)at[3] << 8 | at[4];
	cr_assert_eq(*ret_len, buf_len(b) - PREFIX);
	return at + PREFIX;
}

static void request_is(const char *service)
{
	struct buf b = BUF_INIT(1 << 20);
	Grpc__Health__V1__HealthCheckRequest *m;
	const uint8_t *at;
	size_t len;

	cr_assert_eq(grpc_health_request(service, &b), 0);
	at = framed(&b, &len);
	m = grpc__health__v1__health_check_request__unpack(NULL, len, at);
	cr_assert_not_null(m);
	cr_assert_str_eq(m->service, service);
	cr_assert_eq(grpc__health__v1__health_check_request__get_packed_size(m), len,
		     "no byte more than protobuf-c would write");
	grpc__health__v1__health_check_request__free_unpacked(m, NULL);
	buf_deinit(&b);
}

Test(grpc_health, requests_are_protobufs)
{
	char name[40000];

	request_is("");
	request_is("a");
	request_is("my.package.Service");
	for (size_t len = 126; len < 131; len++) {
		memset(name, 'n', len);
		name[len] = '\0';
		request_is(name);
	}
	memset(name, 'n', 20000);
	name[20000] = '\0';
	request_is(name);
}

Test(grpc_health, request_without_room_is_refused)
{
	struct buf b = BUF_INIT(8);

	cr_assert_eq(grpc_health_request("my.package.Service", &b), -ENOBUFS);
	buf_deinit(&b);
}

/* Reads len bytes, cut in two and byte by byte: all must agree. */
static enum grpc_health_fault read_all(const void *data, size_t len, uint32_t *ret_status)
{
	struct grpc_health g, each;
	enum grpc_health_fault fault;
	uint32_t status = 0, other = 0;

	grpc_health_begin(&g);
	grpc_health_feed(&g, data, len);
	fault = grpc_health_end(&g, &status);
	for (size_t cut = 0; cut <= len; cut++) {
		grpc_health_begin(&each);
		grpc_health_feed(&each, data, cut);
		grpc_health_feed(&each, (const char *)data + cut, len - cut);
		cr_assert_eq(grpc_health_end(&each, &other), fault, "cut at %zu", cut);
		cr_assert_eq(other, status);
	}
	grpc_health_begin(&each);
	for (size_t i = 0; i < len; i++)
		grpc_health_feed(&each, (const char *)data + i, 1);
	cr_assert_eq(grpc_health_end(&each, &other), fault);
	cr_assert_eq(other, status);
	*ret_status = status;
	return fault;
}

static enum grpc_health_fault read_message(const void *message, size_t len, uint32_t *ret_status)
{
	uint8_t text[256] = {0, 0, 0, 0, (uint8_t)len};

	cr_assert_lt(len, sizeof(text) - PREFIX);
	memcpy(text + PREFIX, message, len);
	return read_all(text, len + PREFIX, ret_status);
}

/* We and protobuf-c must agree on whether it is a message, and on its status. */
static void agrees(const void *message, size_t len, bool is_one)
{
	Grpc__Health__V1__HealthCheckResponse *m =
		grpc__health__v1__health_check_response__unpack(NULL, len, message);
	uint32_t status = 99;
	enum grpc_health_fault fault = read_message(message, len, &status);

	cr_assert_eq(m != NULL, is_one);
	cr_assert_eq(fault, is_one ? GRPC_HEALTH_FINE : GRPC_HEALTH_PROTOBUF);
	if (m)
		cr_assert_eq(status, (uint32_t)m->status);
	grpc__health__v1__health_check_response__free_unpacked(m, NULL);
}

#define AGREES(text, is_one) agrees((text), sizeof(text) - 1, (is_one))

Test(grpc_health, responses_read_as_protobuf_c_reads_them)
{
	AGREES("", true);
	AGREES("\x08\x00", true);
	AGREES("\x08\x01", true);
	AGREES("\x08\x02", true);
	AGREES("\x08\x03", true);
	AGREES("\x08\x7f", true);
	AGREES("\x08\x81\x00", true);     /* 1 in two bytes */
	AGREES("\x08\x02\x08\x01", true); /* the last one counts */
	AGREES("\x12\x03"
	       "abc\x08\x01",
	       true); /* an unknown string */
	AGREES("\x11"
	       "12345678\x08\x01",
	       true); /* 64 bits */
	AGREES("\x15"
	       "1234\x08\x01",
	       true);                                                 /* 32 bits */
	AGREES("\x10\xff\xff\x03\x08\x01", true);                     /* a number */
	AGREES("\xf8\xff\xff\xff\x0f\x05\x08\x01", true);             /* the highest field number */
	AGREES("\x12\x00\x08\x01", true);                             /* an empty string */
	AGREES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", true); /* -1 */
	AGREES("\x08", false);
	AGREES("\x08\x81", false);
	AGREES("\x88", false);
	AGREES("\x08\x01\x88", false);
	AGREES("\x12\x05"
	       "abc",
	       false);
	AGREES("\x11"
	       "1234567",
	       false);
	AGREES("\x15"
	       "123",
	       false);
	AGREES("\x0f", false);                                             /* no such wire type */
	AGREES("\x08\xff\xff\xff\xff\xff\xff\xff\xff\xff\xff\x01", false); /* eleven bytes */
}

Test(grpc_health, every_serving_status_comes_through)
{
	for (int status = 0; status < 4; status++) {
		Grpc__Health__V1__HealthCheckResponse m =
			GRPC__HEALTH__V1__HEALTH_CHECK_RESPONSE__INIT;
		uint8_t message[16];
		uint32_t seen = 99;

		m.status = (Grpc__Health__V1__HealthCheckResponse__ServingStatus)status;
		size_t len = grpc__health__v1__health_check_response__pack(&m, message);

		cr_assert_eq(read_message(message, len, &seen), GRPC_HEALTH_FINE);
		cr_assert_eq(seen, (uint32_t)status);
	}
}

/* Fields of the wrong wire type are unknown ones, as in every other implementation. */
Test(grpc_health, status_in_another_wire_type_is_none)
{
	uint32_t status = 99;

	cr_assert_eq(read_message("\x0a\x01\x01", 3, &status), GRPC_HEALTH_FINE);
	cr_assert_eq(status, GRPC_HEALTH_UNKNOWN);
}

Test(grpc_health, groups_and_field_zero_are_refused)
{
	uint32_t status;

	cr_assert_eq(read_message("\x0b\x0c", 2, &status), GRPC_HEALTH_PROTOBUF);
	cr_assert_eq(read_message("\x00\x01", 2, &status), GRPC_HEALTH_PROTOBUF);
	cr_assert_eq(read_message("\x88\x80\x80\x80\x10\x01", 6, &status), GRPC_HEALTH_PROTOBUF,
		     "a tag of 33 bits");
	cr_assert_eq(read_message("\xff\xff\xff\xff\x7f\x01", 6, &status), GRPC_HEALTH_PROTOBUF);
}

Test(grpc_health, framing_faults_are_told_apart)
{
	uint32_t status;

	cr_assert_eq(read_all("", 0, &status), GRPC_HEALTH_NO_MESSAGE);
	cr_assert_eq(read_all("\0\0\0", 3, &status), GRPC_HEALTH_CUT);
	cr_assert_eq(read_all("\0\0\0\0\2\x08", 6, &status), GRPC_HEALTH_CUT);
	cr_assert_eq(read_all("\1\0\0\0\2\x08\1", 7, &status), GRPC_HEALTH_COMPRESSED);
	cr_assert_eq(read_all("\2\0\0\0\2\x08\1", 7, &status), GRPC_HEALTH_PROTOBUF);
	cr_assert_eq(read_all("\0\0\0\0\2\x08\1\0", 8, &status), GRPC_HEALTH_SECOND);
	cr_assert_eq(read_all("\0\0\0\0\0\0\0\0\0\0", 10, &status), GRPC_HEALTH_SECOND);
	cr_assert_eq(read_all("\0\xff\xff\xff\xff\x08\1", 7, &status), GRPC_HEALTH_CUT);
}
