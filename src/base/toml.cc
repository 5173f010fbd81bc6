/* SPDX-License-Identifier: Apache-2.0 */
extern "C" {
#include "base/error.h"
}
#include "base/toml.h"

#include <cerrno>
#include <sstream>
#include <string>
#include <string_view>

/* toml++ asserts what a file can break ("[[[a]]]"), and assumes it where assertions are off: both
 * are a reason to refuse the file. */
struct broken_file {
};
[[noreturn, gnu::noinline]] static void refuse_file()
{
	throw broken_file();
}
#undef NDEBUG
#define TOML_ASSERT(expr)                                                                          \
	do {                                                                                       \
		if (!(expr))                                                                       \
			refuse_file();                                                             \
	} while (false)
#define TOML_EXCEPTIONS 0
#include <toml++/toml.h>

static json_t *convert(const toml::node &node, const std::string &path, json_t *places);

static std::string joined(const std::string &path, const std::string &key)
{
	return path.empty() ? key : path + "." + key;
}

static json_t *convert_table(const toml::table &table, const std::string &path, json_t *places)
{
	json_t *object = json_object();

	for (auto &&[key, value] : table) {
		std::string name(key.str());
		std::string below = joined(path, name);

		json_object_set_new_nocheck(object, name.c_str(), convert(value, below, places));
		/* A key's own place is where a person looks for it. */
		std::string place = std::to_string(key.source().begin.line) + ":" +
				    std::to_string(key.source().begin.column);
		json_object_set_new_nocheck(places, below.c_str(),
					    json_string_nocheck(place.c_str()));
	}
	return object;
}

static json_t *convert_array(const toml::array &array, const std::string &path, json_t *places)
{
	json_t *list = json_array();
	size_t n = 0;

	for (auto &&value : array) {
		std::string below = joined(path, std::to_string(n++));
		std::string place = std::to_string(value.source().begin.line) + ":" +
				    std::to_string(value.source().begin.column);

		json_object_set_new_nocheck(places, below.c_str(),
					    json_string_nocheck(place.c_str()));
		json_array_append_new(list, convert(value, below, places));
	}
	return list;
}

template <typename T> static json_t *convert_time(const T &value)
{
	std::ostringstream words;

	words << value;
	return json_string_nocheck(words.str().c_str());
}

static json_t *convert(const toml::node &node, const std::string &path, json_t *places)
{
	if (auto table = node.as_table())
		return convert_table(*table, path, places);
	if (auto array = node.as_array())
		return convert_array(*array, path, places);
	if (auto text = node.as_string())
		return json_stringn_nocheck(text->get().data(), text->get().size());
	if (auto number = node.as_integer())
		return json_integer(number->get());
	if (auto number = node.as_floating_point())
		return json_real(number->get());
	if (auto truth = node.as_boolean())
		return json_boolean(truth->get());
	if (auto date = node.as_date())
		return convert_time(date->get());
	if (auto time = node.as_time())
		return convert_time(time->get());
	return convert_time(node.as_date_time()->get());
}

static int parse(const char *text, size_t bytes, const char *name, struct toml_file *ret_file,
		 struct error *err)
{
	toml::parse_result result = toml::parse(std::string_view(text, bytes));

	if (!result) {
		const toml::parse_error &error = result.error();

		return error_say(err, EINVAL, "%s:%u:%u: %s", name,
				 static_cast<unsigned int>(error.source().begin.line),
				 static_cast<unsigned int>(error.source().begin.column),
				 std::string(error.description()).c_str());
	}
	ret_file->places = json_object();
	ret_file->tree = convert_table(result.table(), "", ret_file->places);
	return 0;
}

extern "C" int toml_parse(const char *text, size_t bytes, const char *name,
			  struct toml_file *ret_file, struct error *err)
try {
	return parse(text, bytes, name, ret_file, err);
} catch (const broken_file &) {
	return error_say(err, EINVAL, "%s: this is no TOML: look for brackets without a name",
			 name);
}

extern "C" void toml_done(struct toml_file *file)
{
	json_decref(file->tree);
	json_decref(file->places);
	*file = {};
}

extern "C" const char *toml_place(const struct toml_file *file, const char *path)
{
	const char *place = json_string_value(json_object_get(file->places, path));

	return place ? place : "1:1";
}
