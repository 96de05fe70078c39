/* The floor of a gRPC health check over TLS: one HEADERS and one DATA frame made by hand, and a
 * search for the last bytes of a good answer's trailers. No HTTP/2 library, no HPACK decoder: what
 * a check that has both adds to this is the price of reading any server. */
#include "floor_tls.h"

/* PRI, SETTINGS (empty), HEADERS: :method POST, :scheme https, :path, :authority, te, content-type;
 * DATA: an empty message */
static const char request[] = "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
			      "\x00\x00\x00\x04\x00\x00\x00\x00\x00"
			      "\x00\x00\x51\x01\x04\x00\x00\x00\x01"
			      "\x83\x87\x04\x1c/grpc.health.v1.Health/Check"
			      "\x01\x0fwww.example.org\x00\x02te\x08trailers"
			      "\x0f\x10\x10"
			      "application/grpc"
			      "\x00\x00\x05\x00\x01\x00\x00\x00\x01"
			      "\x00\x00\x00\x00\x00";

/* bench/fleet's answer comes in one record: message SERVING, trailers grpc-status 0 */
static enum floor_step heard(const unsigned char *data, size_t len)
{
	static const char serving[] = "\x00\x00\x00\x00\x02\x08\x01";
	static const char status[] = "grpc-status\x02"
				     "00";

	return memmem(data, len, serving, sizeof(serving) - 1) &&
			       memmem(data, len, status, sizeof(status) - 1)
		       ? FLOOR_GOOD
		       : FLOOR_BAD;
}

int main(int argc, char **argv)
{
	static const struct floor_talk grpc = {.alpn = "\x02h2",
					       .request = request,
					       .request_len = sizeof(request) - 1,
					       .heard = heard};

	return floor_tls_main("floor_grpc", &grpc, argc, argv);
}
