/* Copies of the files that bird_list replaced: <directory of the file>/history/<seconds>.<part>, as
 * anycast_healthchecker keeps them. agg's thread; touches the disk. */
#pragma once

#include "base/cc.h"

/* The file at path is about to be replaced: keeps it under another name, without copying a byte,
 * and removes the oldest copies beyond n_max. Failing is told, no more. */
void bird_list_history_keep(const char *path, uint32_t n_max);
