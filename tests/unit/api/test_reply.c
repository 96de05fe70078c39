#include <criterion/criterion.h>

#include "api/reply.h"

#include "unit/api/api_rig.h"

/* The error form is shown by requests, since an answer needs a connection. */
Test(reply, errors_carry_the_grpc_code_of_their_status)
{
	static struct api_rig rig;
	static const struct {
		const char *path, *body;
		unsigned status;
		const char *code;
	} rows[] = {{"/v1/reload", "[]", 400, "{\"code\":3,"},
		    {"/v1/nothing", "", 404, "{\"code\":5,"},
		    {"/v1/status", "", 501, "{\"code\":12,"},
		    {"/v1/override", "", 403, "{\"code\":7,"}};

	api_rig_start(&rig);
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		char *text = rig_post(&rig, API_HTTP, rows[i].path, rows[i].body);

		cr_assert_eq(rig_status(text), rows[i].status);
		cr_assert_not_null(strstr(text, "Content-Type: application/json\r\n"));
		cr_assert_eq(strncmp(rig_body(text), rows[i].code, strlen(rows[i].code)), 0, "%s",
			     text);
		cr_assert_not_null(strstr(text, "\"details\":[]}"));
		free(text);
	}
	api_rig_stop(&rig);
}
