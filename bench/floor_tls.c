/* The floor of an HTTPS check: a TLS handshake, one GET, one answer whose status is looked at. */
#include "floor_tls.h"

static const char request[] = "GET /health HTTP/1.1\r\nHost: www.example.org\r\n"
			      "User-Agent: monalive\r\nConnection: close\r\n\r\n";

static enum floor_step heard(const unsigned char *data, size_t len)
{
	return len > 12 && memcmp(data + 9, "200", 3) == 0 ? FLOOR_GOOD : FLOOR_BAD;
}

int main(int argc, char **argv)
{
	static const struct floor_talk https = {
		.request = request, .request_len = sizeof(request) - 1, .heard = heard};

	return floor_tls_main("floor_tls", &https, argc, argv);
}
