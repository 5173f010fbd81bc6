/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/container.h"
struct containers {
	int x;
};
int containers_new(struct containers **c, const struct containers_env *e, struct error *err)
{
	(void)e;
	(void)err;
	*c = calloc(1, sizeof(**c));
	return 0;
}
void containers_free(struct containers *c)
{
	free(c);
}
void containers_record(struct containers *c, const struct ring_cgroup *r)
{
	(void)c;
	(void)r;
}
const struct container *containers_find(struct containers *c, uint64_t id, uint32_t pid,
					const char **p)
{
	(void)c;
	(void)id;
	(void)pid;
	*p = NULL;
	return NULL;
}
