#include "model/tunnel.h"

#include <criterion/criterion.h>
#include <errno.h>

#include "base/clk.h"

#define START (100 * CLK_S)

static struct tunnel t;
static struct beat beat;

static void begin(void)
{
	cr_assert_eq(tunnel_init(&t), 0);
	t.beat = &beat;
	t.mark_base = 1;
	t.mark_mask = 0xffffff;
	beat_mark(&beat, START);
	tunnel_set32(&tunnel_real(&t, 3)->host, 3);
	tunnel_set32(&tunnel_real(&t, 2)->host, 3);
}

/* A bad result, 1 s after its start, judged ms after its end. */
static enum tunnel_word judge_after(bool is_bad, uint64_t ms, int *ret_error)
{
	struct tunnel_case c = {
		.real = 3,
		.family = TUNNEL_V6,
		.is_bad = is_bad,
		.start_ns = START,
		.end_ns = START + CLK_S,
	};

	beat_mark(&beat, c.end_ns + ms * CLK_MS);
	return tunnel_judge(&t, &c, c.end_ns + ms * CLK_MS, ret_error);
}

TestSuite(tunnel, .init = begin);

/* --- marks ------------------------------------------------------------------------------------ */

Test(tunnel, option_steering_has_one_mark)
{
	cr_assert_eq(tunnel_mark_of(&t, 0), 0xffffffff);
	cr_assert_eq(tunnel_mark_of(&t, 1000), 0xffffffff);
	cr_assert_eq(tunnel_proof_mark(&t), 0xffffffff);
}

Test(tunnel, rule_41_mark_steering_has_a_mark_per_real)
{
	t.by_mark = true;
	cr_assert_eq(tunnel_mark_of(&t, 0), 1);
	cr_assert_eq(tunnel_mark_of(&t, 41), 42);
	for (uint32_t slot = 0; slot < 1000; slot++)
		cr_assert_eq(tunnel_real_of(&t, tunnel_mark_of(&t, slot)), slot);
}

Test(tunnel, rule_41_marks_beyond_the_range_are_no_reals)
{
	t.by_mark = true;
	t.mark_base = 0x10;
	t.mark_mask = 0xff;
	cr_assert_eq(tunnel_mark_of(&t, 0xee), 0xfe);
	cr_assert_eq(tunnel_mark_of(&t, 0xef), 0, "that is the test datagram's");
	cr_assert_eq(tunnel_mark_of(&t, UINT32_MAX), 0);
	cr_assert_eq(tunnel_real_of(&t, 0x0f), SLOT_NONE);
	cr_assert_eq(tunnel_real_of(&t, 0xff), SLOT_NONE);
	cr_assert_eq(tunnel_real_of(&t, 0), SLOT_NONE);
	cr_assert_eq(tunnel_real_of(&t, 0xab10), 0, "bits outside of the mask are not ours");
	cr_assert_eq(tunnel_proof_mark(&t), 0xff);
}

Test(tunnel, marks_of_more_reals_than_there_can_be_are_none)
{
	t.by_mark = true;
	t.mark_mask = UINT32_MAX;
	cr_assert_eq(tunnel_real_of(&t, MAX_REALS), MAX_REALS - 1);
	cr_assert_eq(tunnel_real_of(&t, MAX_REALS + 1), SLOT_NONE);
}

/* --- proof ------------------------------------------------------------------------------------ */

Test(tunnel, rule_39_nothing_starts_before_the_first_proof)
{
	cr_assert_not(tunnel_is_proven(&t, TUNNEL_V4, START));
	cr_assert_not(tunnel_is_proven(&t, TUNNEL_V4, 1), "right after boot neither");
}

Test(tunnel, rule_39_a_proof_lasts_2_s_and_for_its_family_alone)
{
	tunnel_set64(&t.proven_ns[TUNNEL_V4], START);
	cr_assert(tunnel_is_proven(&t, TUNNEL_V4, START + 2 * CLK_S));
	cr_assert_not(tunnel_is_proven(&t, TUNNEL_V4, START + 2 * CLK_S + 1));
	cr_assert_not(tunnel_is_proven(&t, TUNNEL_V6, START));
	cr_assert(tunnel_is_proven(&t, TUNNEL_V4, START - 1), "it came a moment ago");
}

Test(tunnel, rule_39_bad_counts_with_a_datagram_sent_after_its_start)
{
	int error = -1;

	tunnel_set64(&t.proven_ns[TUNNEL_V6], START + CLK_S / 2);
	cr_assert_eq(judge_after(true, 0, &error), TUNNEL_BELIEVE);
	tunnel_set64(&t.proven_ns[TUNNEL_V6], START - 1);
	tunnel_set64(&t.proven_ns[TUNNEL_V4], START + CLK_S);
	cr_assert_eq(judge_after(true, 0, &error), TUNNEL_HOLD);
}

Test(tunnel, rule_39_the_end_is_held_1_s_at_most)
{
	int error = -1;

	cr_assert_eq(judge_after(true, 0, &error), TUNNEL_HOLD);
	cr_assert_eq(judge_after(true, 999, &error), TUNNEL_HOLD);
	cr_assert_eq(judge_after(true, 1000, &error), TUNNEL_DOUBT);
	cr_assert_eq(error, 0);
}

Test(tunnel, rule_39_a_good_one_that_changes_a_verdict_needs_the_proof_too)
{
	int error = -1;

	cr_assert_eq(judge_after(false, 999, &error), TUNNEL_HOLD);
	cr_assert_eq(judge_after(false, 1000, &error), TUNNEL_DOUBT);
	tunnel_set64(&t.proven_ns[TUNNEL_V6], START);
	cr_assert_eq(judge_after(false, 0, &error), TUNNEL_BELIEVE);
}

Test(tunnel, a_packet_of_its_own_is_a_proof)
{
	int error = -1;

	tunnel_set64(&tunnel_real(&t, 2)->sent_ns, START);
	cr_assert_eq(judge_after(true, 0, &error), TUNNEL_BELIEVE,
		     "real 3 shares the address of real 2");
	tunnel_set64(&tunnel_real(&t, 2)->sent_ns, START - 1);
	tunnel_set64(&tunnel_real(&t, 3)->sent_ns, START + 1);
	cr_assert_eq(judge_after(true, 0, &error), TUNNEL_HOLD, "only the host row counts");
}

/* --- doubts ----------------------------------------------------------------------------------- */

static void prove(void)
{
	tunnel_set64(&t.proven_ns[TUNNEL_V6], START + CLK_S);
}

Test(tunnel, a_packet_that_our_kernel_refused_makes_bad_unknown)
{
	int error = -1;

	prove();
	tunnel_note_fault(tunnel_real(&t, 2), EMSGSIZE, START);
	cr_assert_eq(judge_after(true, 0, &error), TUNNEL_DOUBT);
	cr_assert_eq(error, EMSGSIZE);
	cr_assert_eq(judge_after(false, 0, &error), TUNNEL_BELIEVE, "good is good");
}

Test(tunnel, an_old_fault_is_forgotten)
{
	int error = -1;

	prove();
	tunnel_note_fault(tunnel_real(&t, 2), EMSGSIZE, START - 1);
	cr_assert_eq(judge_after(true, 0, &error), TUNNEL_BELIEVE);
}

Test(tunnel, lost_packets_make_bad_unknown)
{
	int error = -1;

	prove();
	tunnel_set64(&t.lost_ns, START + 1);
	cr_assert_eq(judge_after(true, 0, &error), TUNNEL_DOUBT);
	cr_assert_eq(error, ENOBUFS);
}

Test(tunnel, a_standstill_that_ended_after_the_start_makes_bad_unknown)
{
	int error = -1;

	prove();
	tunnel_set64(&t.stalled_ns, START + 1);
	cr_assert_eq(judge_after(true, 0, &error), TUNNEL_DOUBT);
	cr_assert_eq(error, ETIME);
}

Test(tunnel, a_thread_without_beat_holds_then_makes_unknown)
{
	struct tunnel_case c = {3, TUNNEL_V6, true, START, START + CLK_S};
	int error = -1;

	prove();
	beat_mark(&beat, START);
	cr_assert_eq(tunnel_judge(&t, &c, c.end_ns, &error), TUNNEL_HOLD);
	cr_assert_eq(tunnel_judge(&t, &c, c.end_ns + CLK_S, &error), TUNNEL_DOUBT);
	c.is_bad = false;
	cr_assert_eq(tunnel_judge(&t, &c, c.end_ns, &error), TUNNEL_BELIEVE);
}

Test(tunnel, a_real_that_tun_does_not_know_is_unknown)
{
	struct tunnel_case c = {9, TUNNEL_V6, true, START, START + CLK_S};
	int error = -1;

	prove();
	cr_assert_eq(tunnel_judge(&t, &c, c.end_ns, &error), TUNNEL_DOUBT);
	cr_assert_eq(error, ENOENT);
}

/* --- figures ---------------------------------------------------------------------------------- */

Test(tunnel, segment_sizes_stay_within_what_the_socket_takes)
{
	static const uint32_t cases[][2] = {{0, 88}, {640, 640}, {32767, 32767}, {65476, 32767}};

	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		tunnel_set_mss(tunnel_real(&t, 0), cases[i][0]);
		cr_assert_eq(tunnel_get16(&tunnel_real(&t, 0)->mss), cases[i][1]);
	}
}

Test(tunnel, latencies_fall_into_the_bucket_of_their_bound)
{
	tunnel_count_latency(&t, 0, 1);
	tunnel_count_latency(&t, 5 * CLK_US, 3);
	tunnel_count_latency(&t, 5 * CLK_US + 1, 1);
	tunnel_count_latency(&t, CLK_S, 2);
	tunnel_count_latency(&t, CLK_S, 0);
	cr_assert_eq(tunnel_get64(&t.latency[0]), 4);
	cr_assert_eq(tunnel_get64(&t.latency[1]), 1);
	cr_assert_eq(tunnel_get64(&t.latency[TUNNEL_LATENCY_BUCKETS - 1]), 2);
	cr_assert_eq(tunnel_get64(&t.latency_sum_ns), 20 * CLK_US + 1 + 2 * CLK_S, "of packets");
	cr_assert_eq(tunnel_latency_us(0), 5);
	cr_assert_eq(tunnel_latency_us(TUNNEL_LATENCY_BUCKETS - 1), UINT32_MAX);
}

Test(tunnel, packets_are_counted_by_method_result_and_errno)
{
	tunnel_count_packet(&t, TUNNEL_WAY_GRE, TUNNEL_SENT, 0);
	tunnel_count_packet(&t, TUNNEL_WAY_GRE, TUNNEL_REFUSED, EMSGSIZE);
	tunnel_count_packet(&t, TUNNEL_WAY_DR, TUNNEL_REFUSED, 4000);
	tunnel_count_packet(&t, TUNNEL_WAY_DR, TUNNEL_UNRESOLVED, 0);
	cr_assert_eq(tunnel_get64(&t.packets[TUNNEL_WAY_GRE][TUNNEL_SENT]), 1);
	cr_assert_eq(tunnel_get64(&t.packets[TUNNEL_WAY_GRE][TUNNEL_REFUSED]), 1);
	cr_assert_eq(tunnel_get64(&t.packets[TUNNEL_WAY_DR][TUNNEL_UNRESOLVED]), 1);
	cr_assert_eq(tunnel_get64(&t.packets[TUNNEL_WAY_IPIP][TUNNEL_SENT]), 0);
	cr_assert_eq(tunnel_get64(&t.send_errors[EMSGSIZE]), 1);
	cr_assert_eq(tunnel_get64(&t.send_errors[TUNNEL_ERRNOS - 1]), 1, "beyond the table");
	cr_assert_eq(tunnel_get64(&t.send_errors[0]), 0);
}

Test(tunnel, every_state_has_a_word)
{
	for (int w = 0; w < TUNNEL_WAY__N; w++)
		cr_assert_str_neq(tunnel_way_text((enum tunnel_way)w), "?");
	for (int f = 0; f < TUNNEL_FATE__N; f++)
		cr_assert_str_neq(tunnel_fate_text((enum tunnel_fate)f), "?");
	for (int s = 0; s < TUNNEL_STATE__N; s++)
		cr_assert_str_neq(tunnel_state_text((enum tunnel_state)s), "?");
	for (int r = 0; r < TUNNEL_RULE__N; r++)
		cr_assert_str_neq(tunnel_rule_text((enum tunnel_rule)r), "?");
	cr_assert_str_eq(tunnel_state_text(TUNNEL_STATE__N), "?");
	cr_assert_str_eq(tunnel_rule_text(TUNNEL_RULE__N), "?");
}
