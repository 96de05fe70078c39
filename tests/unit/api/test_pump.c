#include <criterion/criterion.h>

#include "api/pump.h"

#include <errno.h>
#include <microhttpd.h>

#include "unit/api/api_rig.h"

static unsigned n_done;

static int more(void *ctx, struct buf *out)
{
	(void)ctx;
	(void)out;
	return PUMP_SOURCE_END;
}

static void done(void *ctx)
{
	(void)ctx;
	n_done++;
}

static const struct pump_source source = {.more = more, .done = done};

Test(pump, source_is_released_once)
{
	struct pump *owner = NULL;
	struct MHD_Response *r = pump_new(&source, &owner);

	cr_assert_not_null(owner);
	pump_release(owner);
	cr_assert_eq(n_done, 1);
	MHD_destroy_response(r);
	cr_assert_eq(n_done, 1);
	cr_assert_null(owner, "the library freed it");
}

Test(pump, library_that_frees_first_releases)
{
	struct pump *owner = NULL;
	struct MHD_Response *r = pump_new(&source, &owner);

	MHD_destroy_response(r);
	cr_assert_eq(n_done, 1);
	cr_assert_null(owner);
}

Test(pump, disowned_pump_does_not_touch_its_owner)
{
	struct pump *owner = NULL, *other = (struct pump *)&n_done;
	struct MHD_Response *r = pump_new(&source, &owner);

	pump_disown(owner);
	owner = other;
	MHD_destroy_response(r);
	cr_assert_eq(owner, other);
}

static struct api_rig rig;

/* Two streamed answers on one connection: the second is not confused by the end of the first. */
Test(pump, streams_follow_each_other_on_one_connection)
{
	char *text;
	int fd;

	api_rig_start(&rig);
	fd = rig_connect_tcp(&rig, API_HTTP);
	rig_send(fd, "GET /v1/status HTTP/1.1\r\nHost: x\r\n\r\n"
		     "GET /v1/services HTTP/1.1\r\nHost: x\r\n\r\n"
		     "GET /v1/reals HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n");
	text = rig_read_all(fd);
	cr_assert_not_null(strstr(text, "\"status\":["));
	cr_assert_not_null(strstr(text, "\"services\":["));
	cr_assert_not_null(strstr(text, "\"reals\":["));
	cr_assert_str_eq(text + strlen(text) - 5, "0\r\n\r\n");
	free(text);
	close(fd);
	rig_await(&rig.fleet.gen->api_holds, 0);
	api_rig_stop(&rig);
}
