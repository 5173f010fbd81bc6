/* SPDX-License-Identifier: Apache-2.0 */
#include "sensor/tls/certificate.h"

#include <openssl/x509.h>
#include <time.h>

#include "base/clock.h"

static void tls_put_name(X509_NAME *name, char *words, size_t room)
{
	BIO *out = BIO_new(BIO_s_mem());
	char *at = NULL;
	long bytes;

	*words = '\0';
	if (!out)
		return;
	X509_NAME_print_ex(out, name, 0, XN_FLAG_RFC2253);
	bytes = BIO_get_mem_data(out, &at);
	if (bytes > 0)
		slice_copy((struct slice){ at, (size_t)bytes }, words, room);
	BIO_free(out);
}

bool tls_parse_certificate(struct slice der, struct tls_certificate_facts *facts)
{
	const unsigned char *at = (const unsigned char *)der.at;
	X509 *certificate = d2i_X509(NULL, &at, (long)der.bytes);
	struct tm end;

	*facts = (struct tls_certificate_facts){ .not_after_ns = 0 };
	if (!certificate)
		return false;
	tls_put_name(X509_get_subject_name(certificate), facts->subject, sizeof(facts->subject));
	tls_put_name(X509_get_issuer_name(certificate), facts->issuer, sizeof(facts->issuer));
	if (ASN1_TIME_to_tm(X509_get0_notAfter(certificate), &end) == 1 && end.tm_year >= 70 &&
	    end.tm_year < 2554 - 1900) /* what 64 bits of nanoseconds hold */
		facts->not_after_ns = (uint64_t)timegm(&end) * NS_PER_S;
	X509_free(certificate);
	return true;
}
