/* What a socket's failure says about the check: our own fault is unknown, word from outside is bad
 * (decisions 13, 14). Pure. */
#pragma once

#include "model/check_code.h"
#include "net/tcp_sock.h"

/* A connection that could not be started: our own kernel's word, so mostly unknown. */
enum check_code outcome_of_fault(struct tcp_fault f);
/* A connection that was started and failed later with this SO_ERROR: somebody answered. */
enum check_code outcome_of_connect(int error);
/* True if the code could also mean that our source address has gone (decisions 14). */
bool outcome_asks_for_source(enum check_code code);
