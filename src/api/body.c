#include "api/body.h"

#include <jansson.h>

#include "base/str.h"
#include "model/state.h"

static void json_freep(json_t **j)
{
	json_decref(*j);
}

static int bad(const char **ret_error, const char *why)
{
	*ret_error = why;
	return BODY_BAD;
}

static bool is_blank(const char *text, size_t len)
{
	for (size_t i = 0; i < len; i++) {
		if (!strchr(" \t\r\n", text[i]) || !text[i])
			return false;
	}
	return true;
}

/* A JSON object; NULL if it is none, or names a field twice. */
static json_t *load_object(const char *text, size_t len)
{
	json_t *j = json_loadb(text, len, JSON_REJECT_DUPLICATES, NULL);

	if (!json_is_object(j)) {
		json_decref(j);
		return NULL;
	}
	return j;
}

int body_empty(const char *text, size_t len, const char **ret_error)
{
	_cleanup_(json_freep) json_t *j = NULL;

	if (is_blank(text, len))
		return BODY_OK;
	j = load_object(text, len);
	if (!j)
		return bad(ret_error, "request body is not a JSON object");
	return json_object_size(j) == 0 ? BODY_OK : bad(ret_error, "unknown field in request body");
}

static bool take_name(const json_t *j, const char *key, char out[BODY_NAME_BYTES])
{
	const json_t *v = json_object_get(j, key);
	size_t len = json_string_length(v);

	if (!json_is_string(v) || len == 0 || len >= BODY_NAME_BYTES)
		return false;
	memcpy(out, json_string_value(v), len + 1);
	return true;
}

static bool take_state(const json_t *v, uint32_t *ret)
{
	static const struct {
		const char *word;
		enum real_override kind;
	} words[] = {{"auto", OVERRIDE_NONE},
		     {"up", OVERRIDE_UP},
		     {"drain", OVERRIDE_DRAIN},
		     {"down", OVERRIDE_DOWN}};

	for (size_t i = 0; json_is_string(v) && i < ARRAY_LEN(words); i++) {
		if (strcmp(json_string_value(v), words[i].word) == 0) {
			*ret = real_override_make(words[i].kind, 0);
			return true;
		}
	}
	return false;
}

static bool take_weight_text(const char *text, size_t len, uint32_t *ret)
{
	bool is_percent = len > 0 && text[len - 1] == '%';
	uint64_t n;

	if (str_is(text, len, "auto")) {
		*ret = real_override_make(OVERRIDE_NONE, 0);
		return true;
	}
	if (!str_to_u64(text, len - is_percent, is_percent ? BODY_MAX_PERCENT : UINT16_MAX, &n))
		return false;
	*ret = real_override_make(is_percent ? OVERRIDE_PERCENT : OVERRIDE_WEIGHT, (uint16_t)n);
	return true;
}

static bool take_weight(const json_t *v, uint32_t *ret)
{
	json_int_t n = json_integer_value(v);

	if (json_is_string(v))
		return take_weight_text(json_string_value(v), json_string_length(v), ret);
	if (!json_is_integer(v) || n < 0 || n > UINT16_MAX)
		return false;
	*ret = real_override_make(OVERRIDE_WEIGHT, (uint16_t)n);
	return true;
}

int body_override(const char *text, size_t len, struct body_override *ret, const char **ret_error)
{
	_cleanup_(json_freep) json_t *j = load_object(text, len);
	struct body_override o;
	const json_t *state, *weight;

	if (!j)
		return bad(ret_error, "request body is not a JSON object");
	state = json_object_get(j, "state");
	weight = json_object_get(j, "weight");
	if (!take_name(j, "vs", o.vs) || !take_name(j, "rs", o.rs))
		return bad(ret_error, "fields vs and rs must be names");
	if (!state == !weight)
		return bad(ret_error, "exactly one of the fields state and weight must be given");
	if (json_object_size(j) != 3)
		return bad(ret_error, "unknown field in request body");
	if (state && !take_state(state, &o.override))
		return bad(ret_error, "state must be up, drain, down or auto");
	if (weight && !take_weight(weight, &o.override))
		return bad(ret_error, "weight must be 0..65535, 0%..1000% or auto");
	*ret = o;
	return BODY_OK;
}
