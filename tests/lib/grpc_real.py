"""Real servers that speak grpc.health.v1, by the reference implementation of gRPC and of protobuf."""
import os, subprocess, sys, tempfile, shutil, threading, time
from concurrent import futures

import grpc

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))


def load_messages():
    """proto/grpc_health.proto, compiled by protoc."""
    directory = tempfile.mkdtemp(prefix='alived-proto-')
    try:
        subprocess.run(['protoc', '--proto_path=%s/proto' % ROOT, '--python_out=' + directory, 'grpc_health.proto'], check=True)
        sys.path.insert(0, directory)
        sys.dont_write_bytecode = True
        import grpc_health_pb2
        return grpc_health_pb2
    finally:
        sys.path.remove(directory)
        shutil.rmtree(directory, ignore_errors=True)


pb = load_messages()
UNKNOWN, SERVING, NOT_SERVING, SERVICE_UNKNOWN = range(4)


def make_certificate(directory):
    """(key, certificate) as PEM bytes."""
    key, cert = os.path.join(directory, 'key.pem'), os.path.join(directory, 'cert.pem')
    subprocess.run(['openssl', 'req', '-x509', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256', '-nodes', '-days', '2',
                    '-subj', '/CN=grpc.example', '-keyout', key, '-out', cert], check=True, capture_output=True)
    with open(key, 'rb') as k, open(cert, 'rb') as c:
        return k.read(), c.read()


class GrpcReal:
    """Answers Health/Check; its state can be changed at any time: status, delay (s), error (a
    grpc.StatusCode), weight (header metadata: list of values), known (service names; None: all),
    healthy (False: the server has no health service). Keeps (service, metadata) of what it was asked."""

    def __init__(self, ip, port=8080, tls=None, **state):
        self.ip, self.port, self.tls = ip, port, tls
        self.status, self.delay, self.error, self.weight, self.known = SERVING, 0, None, [], None
        self.trailing_weight, self.raw = [], None
        self.has_health = True
        self.requests = []
        self.server = None
        self.stopped = threading.Event()
        self.__dict__.update(state)

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *failure):
        self.stop()

    def start(self):
        self.stopped.clear()
        self.server = grpc.server(futures.ThreadPoolExecutor(8), options=[('grpc.so_reuseport', 0)])
        if self.has_health:
            handler = grpc.unary_unary_rpc_method_handler(
                self.answer, request_deserializer=pb.HealthCheckRequest.FromString,
                response_serializer=lambda m: m if isinstance(m, bytes) else m.SerializeToString())
            self.server.add_generic_rpc_handlers(
                [grpc.method_handlers_generic_handler('grpc.health.v1.Health', {'Check': handler})])
        address = '%s:%d' % ('[%s]' % self.ip if ':' in self.ip else self.ip, self.port)
        if self.tls:
            port = self.server.add_secure_port(address, grpc.ssl_server_credentials([self.tls]))
        else:
            port = self.server.add_insecure_port(address)
        assert port == self.port, 'no port ' + address
        self.server.start()

    def stop(self):
        self.stopped.set()
        server, self.server = self.server, None
        if server:
            server.stop(0).wait(5)

    def answer(self, request, context):
        self.requests.append((request.service, {k: v for k, v in context.invocation_metadata()}, context.peer()))
        self.stopped.wait(self.delay)
        context.send_initial_metadata([('x-rs-weight', w) for w in self.weight])
        context.set_trailing_metadata([('x-rs-weight', w) for w in self.trailing_weight])
        if self.known is not None and request.service not in self.known:
            context.abort(grpc.StatusCode.NOT_FOUND, 'no such service')
        if self.error:
            context.abort(self.error, 'told to fail')
        return self.raw if self.raw is not None else pb.HealthCheckResponse(status=self.status)
