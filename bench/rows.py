"""The rows of the benchmark by name. Each is a generator of figures (harness.figure()), given the
seconds that each contender gets."""
from rows_big import row_big
from rows_cost import row_grpc, row_http, row_https, row_tcp, row_tiny
from rows_latency import row_latency
from rows_memory import row_memory
from rows_micro import row_micro
from rows_pace import row_pace
from rows_scale import row_scale
from rows_tunnel import row_tunnel

ROWS = {'tcp': row_tcp, 'http': row_http, 'https': row_https, 'grpc': row_grpc, 'memory': row_memory, 'pace': row_pace,
        'latency': row_latency, 'big': row_big, 'scale': row_scale, 'tunnel': row_tunnel, 'micro': row_micro}

# a proof that the benchmark works, for tests; not among the rows that are measured by default
HIDDEN = {'tiny': row_tiny}
