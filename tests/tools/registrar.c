/* SPDX-License-Identifier: Apache-2.0 */
/* registrar SOCKET PREFIX COUNT - registers so many containers with sysvisor-mgr as the runtime
 * does, waiting for a daemon that is being restarted; prints "ID FIRST-ID" for each. */
#include <stdio.h>

#include "base/slice.h"
#include "sysvisor/common/client.h"

int main(int argc, char **argv)
{
	struct client client = { .patience_ms = 20000 };
	uint64_t count;

	if (argc != 4 || !slice_u64(slice_of(argv[3]), &count))
		return 2;
	client.socket = argv[1];
	for (uint64_t n = 0; n < count; n++) {
		Sysvisor__V1__ManagerRegisterRequest request =
			SYSVISOR__V1__MANAGER_REGISTER_REQUEST__INIT;
		Sysvisor__V1__ManagerRegisterAnswer *answer;
		struct error err;
		char id[64];

		snprintf(id, sizeof(id), "%s%llu", argv[2], (unsigned long long)n);
		request.id = id;
		if (manager_register(&client, &request, &answer, &err) < 0) {
			fprintf(stderr, "registrar: %s\n", err.text);
			return 1;
		}
		printf("%s %u\n", id, answer->ids->host_first);
		sysvisor__v1__manager_register_answer__free_unpacked(answer, NULL);
	}
	client_done(&client);
	return 0;
}
