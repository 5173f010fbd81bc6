/* SPDX-License-Identifier: Apache-2.0 */
#include "identity/container_facts.h"

#include <jansson.h>

/* Labels and annotations that tell more than themselves. */
struct fact_key {
	const char *name;
	size_t at; /* a char * of struct container */
};

#define FACT(key, member)                                                                          \
	{                                                                                          \
		key, offsetof(struct container, member)                                            \
	}

static const struct fact_key fact_keys[] = {
	FACT("io.kubernetes.pod.name", pod_name),
	FACT("io.kubernetes.pod.namespace", pod_namespace),
	FACT("io.kubernetes.container.name", pod_container),
	FACT("io.kubernetes.cri.sandbox-name", pod_name),
	FACT("io.kubernetes.cri.sandbox-namespace", pod_namespace),
	FACT("io.kubernetes.cri.container-name", pod_container),
	FACT("io.kubernetes.cri.image-name", image),
	FACT("io.kubernetes.cri-o.ImageName", image),
	FACT("nerdctl/name", name),
};

void container_clear(struct container *container)
{
	free(container->name);
	free(container->image);
	free(container->pod_name);
	free(container->pod_namespace);
	free(container->pod_container);
	container->name = container->image = NULL;
	container->pod_name = container->pod_namespace = container->pod_container = NULL;
	for (size_t n = 0; n < container->label_count; n++)
		free((char *)container->labels[n].name.at);
	free(container->labels);
	container->labels = NULL;
	container->label_count = container->label_bytes = container->labels_cut = 0;
}

void container_set(char **text, struct slice value)
{
	if (!*text && value.bytes)
		*text = strndup(value.at, value.bytes < CONTAINER_TEXT_BYTES
						  ? value.bytes
						  : CONTAINER_TEXT_BYTES);
}

static bool fact_is_pod_uid(struct slice name)
{
	return slice_is(name, "io.kubernetes.pod.uid") ||
	       slice_is(name, "io.kubernetes.cri.sandbox-uid");
}

void container_add_annotation(struct container *container, struct slice name, struct slice value)
{
	if (fact_is_pod_uid(name) && container->pod_uid[0] == '\0')
		slice_copy(value, container->pod_uid, sizeof(container->pod_uid));
	for (size_t n = 0; n < array_count(fact_keys); n++)
		if (slice_is(name, fact_keys[n].name))
			container_set((char **)((char *)container + fact_keys[n].at), value);
}

static bool container_has_label(const struct container *container, struct slice name)
{
	for (size_t n = 0; n < container->label_count; n++)
		if (slice_eq(container->labels[n].name, name))
			return true;
	return false;
}

/* Room for one more; NULL when memory or the bounds are at their end. */
static struct event_pair *container_label_room(struct container *container, size_t bytes)
{
	struct event_pair *longer;

	if (container->label_count == CONTAINER_LABELS ||
	    bytes > CONTAINER_LABEL_BYTES - container->label_bytes)
		return NULL;
	longer = reallocarray(container->labels, container->label_count + 1, sizeof(*longer));
	if (longer)
		container->labels = longer;
	return longer ? &longer[container->label_count] : NULL;
}

void container_add_label(struct container *container, struct slice name, struct slice value)
{
	struct event_pair *pair;
	char *texts;

	container_add_annotation(container, name, value);
	if (name.bytes == 0 || container_has_label(container, name))
		return;
	pair = container_label_room(container, name.bytes + value.bytes);
	texts = pair ? malloc(name.bytes + value.bytes) : NULL;
	if (!texts) {
		container->labels_cut++;
		return;
	}
	memcpy(texts, name.at, name.bytes);
	memcpy(texts + name.bytes, value.at, value.bytes);
	pair->name = (struct slice){ texts, name.bytes };
	pair->text = (struct slice){ texts + name.bytes, value.bytes };
	container->label_count++;
	container->label_bytes += name.bytes + value.bytes;
}

/* --- JSON --- */

static json_t *facts_load(struct slice json)
{
	return json_loadb(json.at ? json.at : "", json.bytes, JSON_REJECT_DUPLICATES, NULL);
}

static struct slice facts_text(const json_t *text)
{
	return (struct slice){ json_string_value(text), json_string_length(text) };
}

static void facts_each(struct container *container, json_t *object,
		       void (*add)(struct container *, struct slice, struct slice))
{
	const char *key;
	json_t *value;

	json_object_foreach(object, key, value) {
		if (json_is_string(value))
			add(container, slice_of(key), facts_text(value));
	}
}

bool container_parse_docker(struct container *container, struct slice json)
{
	json_t *root = facts_load(json);
	const json_t *config = json_object_get(root, "Config");
	struct slice name = facts_text(json_object_get(root, "Name"));
	bool good = json_is_object(config) && name.bytes;

	if (good) {
		slice_eat(&name, SLICE("/"));
		container_set(&container->name, name);
		container_set(&container->image, facts_text(json_object_get(config, "Image")));
		facts_each(container, json_object_get(config, "Labels"), container_add_label);
	}
	json_decref(root);
	return good;
}

bool container_parse_bundle(struct container *container, struct slice json)
{
	json_t *root = facts_load(json);
	bool good = json_is_string(json_object_get(root, "ociVersion"));

	if (good)
		facts_each(container, json_object_get(root, "annotations"),
			   container_add_annotation);
	json_decref(root);
	return good;
}

/* What the engine keeps beside: JSON in a JSON string. */
static void facts_storage_metadata(struct container *container, struct slice json)
{
	json_t *metadata = facts_load(json);

	container_set(&container->name, facts_text(json_object_get(metadata, "name")));
	container_set(&container->image, facts_text(json_object_get(metadata, "image-name")));
	json_decref(metadata);
}

bool container_parse_storage(struct container *container, struct slice json)
{
	json_t *root = facts_load(json), *one;
	bool found = false;
	size_t n;

	json_array_foreach(root, n, one) {
		if (!slice_is(facts_text(json_object_get(one, "id")), container->id))
			continue;
		facts_storage_metadata(container, facts_text(json_object_get(one, "metadata")));
		container_set(&container->name,
			      facts_text(json_array_get(json_object_get(one, "names"), 0)));
		found = true;
		break;
	}
	json_decref(root);
	return found;
}
