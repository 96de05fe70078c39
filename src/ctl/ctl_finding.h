/* What the doctor found: a severity, a name, a sentence, and the command that repairs it. */
#pragma once

#include <stdio.h>

#include "base/cc.h"

enum ctl_finding_severity {
	CTL_FINDING_NOTE, /* worth knowing; nothing is wrong */
	CTL_FINDING_WARNING,
	CTL_FINDING_ERROR,
	CTL_FINDING__N
};

/* Of one name so many are kept, the others counted. */
enum { CTL_FINDING_MAX_ALIKE = 5 };

struct ctl_findings;

/* Never NULL: without memory the program ends. */
struct ctl_findings *ctl_findings_new(void);
void ctl_findings_free(struct ctl_findings *f);

/* id: static, as "rule_missing". One with the same id and text as before is dropped. */
void ctl_findings_add(struct ctl_findings *f, enum ctl_finding_severity severity, const char *id,
		      const char *format, ...) PRINTF_LIKE(4, 5);
/* The command that repairs what was added last. */
void ctl_findings_repair(struct ctl_findings *f, const char *format, ...) PRINTF_LIKE(2, 3);

/* Neither errors nor warnings. */
bool ctl_findings_are_good(const struct ctl_findings *f);
/* One line each, errors first: "error: SENTENCE; repair: COMMAND". */
void ctl_findings_print(const struct ctl_findings *f, FILE *to);
/* {"ok":..,"findings":[{"severity","id","text","repair"}],"omitted":{ID:N}} */
void ctl_findings_print_json(const struct ctl_findings *f, FILE *to);
