/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/file_rate.h"

#include "base/clock.h"

bool file_rate_allows(struct file_rate *rate, uint32_t pid, uint64_t now_ns, uint32_t *ret_held)
{
	struct file_rate_slot *slot = &rate->slots[pid % FILE_RATE_SLOTS];

	*ret_held = 0;
	if (rate->limit == 0)
		return true;
	if (slot->pid != pid && slot->pid)
		rate->lost += slot->held || now_ns - slot->since_ns < NS_PER_S;
	if (slot->pid != pid)
		*slot = (struct file_rate_slot){ .pid = pid, .since_ns = now_ns };
	if (now_ns - slot->since_ns >= NS_PER_S) {
		slot->since_ns = now_ns;
		slot->count = 0;
	}
	if (slot->count >= rate->limit) {
		slot->held++;
		rate->held++;
		return false;
	}
	slot->count++;
	*ret_held = slot->held;
	slot->held = 0;
	return true;
}
