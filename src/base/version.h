/* The version this binary was built from. */
#pragma once

/* "0.1.0 (abc1234)"; static storage, any thread. */
const char *version_text(void);
