/* Strings of the services file, written as JSON and as a metric's label: whatever they hold, the
 * result must be readable, and a valid string must come back as it was. */
#include <jansson.h>
#include <stdlib.h>
#include <string.h>

#include "api/jsonout.h"
#include "api/prom.h"
#include "config/utf8.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_json(const char *text, size_t len)
{
	struct buf out = BUF_INIT(16 * len + 64);
	struct jsonout j = JSONOUT_TO(&out);
	json_t *v;

	jsonout_str(&j, text, len);
	ASSERT(!j.is_full);
	v = json_loadb((char *)buf_head(&out), buf_len(&out), JSON_DECODE_ANY | JSON_ALLOW_NUL,
		       NULL);
	ASSERT(json_is_string(v));
	if (utf8_is_text(text, len))
		ASSERT(json_string_length(v) == len &&
		       memcmp(json_string_value(v), text, len) == 0);
	json_decref(v);
	buf_deinit(&out);
}

/* One line, and as many quotes that are not escaped as it has itself: two. */
static void check_metric(const char *text, size_t len)
{
	struct buf out = BUF_INIT(4 * len + 64);
	struct prom p = {.to = &out};
	unsigned n_quotes = 0;
	const char *at;

	prom_u64(&p, "m", "", &(struct prom_label){"l", text}, 1, 1);
	ASSERT(!p.is_full);
	at = (char *)buf_head(&out);
	for (size_t i = 0; i < buf_len(&out); i++) {
		if (at[i] == '\\')
			i++;
		else if (at[i] == '"')
			n_quotes++;
		ASSERT(at[i] != '\n' || i + 1 == buf_len(&out));
	}
	ASSERT(n_quotes == 2);
	buf_deinit(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	char *text = malloc(size + 1);

	memcpy(text, data, size);
	text[size] = 0;
	check_json(text, size);
	check_metric(text, size);
	free(text);
	return 0;
}
