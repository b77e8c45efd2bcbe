/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * dmmd-fetch: the additional information of a provisioning domain (RFC 8801 section 4.1) on standard output, whole or not
 * at all.
 *
 * A program of its own, so that what an unknown network sends to a TLS and HTTP library never reaches the daemon's
 * memory; it gives up all privileges first.  IPv6 only, no redirects, no proxies, and little of everything.
 */
#include <ctype.h>
#include <errno.h>
#include <getopt.h>
#include <linux/capability.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <curl/curl.h>

#include "base/log.h"

#define PATH "/.well-known/pvd"
#define MEDIA_TYPE "application/pvd+json"
#define MAX_DOMAIN 253
#define MAX_BODY 65536
#define TIMEOUT 10 /* seconds, for all of it */

enum { /* what the program exits with */
       DONE = 0,
       FAILED = 1,
       USAGE = 2,
       NO_ADDRESS = 3,
       NO_CONNECTION = 4,
       NOT_TRUSTED = 5,
       NOT_THERE = 6,  /* the server answers, but with something else */
       NOT_USABLE = 7, /* another type, or too much */
};

struct fetch {
	const char *domain, *interface, *ca_file;
	bool no_device;
	size_t len;
	char body[MAX_BODY];
};

static int no_privileges(void)
{
	struct __user_cap_header_struct header = {.version = _LINUX_CAPABILITY_VERSION_3};
	struct __user_cap_data_struct caps[_LINUX_CAPABILITY_U32S_3];

	if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
		return -errno;
	memset(caps, 0, sizeof(caps));
	return syscall(SYS_capset, &header, caps) < 0 ? -errno : 0;
}

/* A host name and nothing else: it becomes part of a URL. */
static bool domain_possible(const char *s)
{
	size_t len = strlen(s);

	for (size_t i = 0; i < len; i++)
		if (!isalnum((unsigned char)s[i]) && s[i] != '-' && s[i] != '_' && s[i] != '.')
			return false;
	return len > 0 && len <= MAX_DOMAIN && s[0] != '.';
}

static size_t on_body(char *data, size_t size, size_t n, void *user)
{
	struct fetch *f = user;

	n *= size;
	if (n > sizeof(f->body) - f->len)
		return 0; /* less than n ends the transfer */
	memcpy(f->body + f->len, data, n);
	f->len += n;
	return n;
}

/* The domain belongs to the network at this interface: ask there or nowhere. */
static int on_socket(void *user, curl_socket_t fd, curlsocktype purpose)
{
	struct fetch *f = user;

	(void)purpose;
	if (!f->interface || setsockopt(fd, SOL_SOCKET, SO_BINDTODEVICE, f->interface,
					(socklen_t)strlen(f->interface)) == 0)
		return CURL_SOCKOPT_OK;
	f->no_device = true;
	return CURL_SOCKOPT_ERROR;
}

/* Parameters may follow it (RFC 9110 section 8.3.1). */
static bool type_right(const char *type)
{
	size_t len = sizeof(MEDIA_TYPE) - 1;

	if (!type || strncasecmp(type, MEDIA_TYPE, len) != 0)
		return false;
	type += len;
	return type[strspn(type, " \t")] == '\0' || type[strspn(type, " \t")] == ';';
}

/* Nothing of what the server says gets into these lines. */
static int explain(const struct fetch *f, CURLcode code)
{
	switch (code) {
	case CURLE_COULDNT_RESOLVE_HOST:
		log_warning("%s: it has no IPv6 address", f->domain);
		return NO_ADDRESS;
	case CURLE_OPERATION_TIMEDOUT:
		log_warning("%s: no answer within %d s", f->domain, TIMEOUT);
		return NO_CONNECTION;
	case CURLE_PEER_FAILED_VERIFICATION:
	case CURLE_SSL_CONNECT_ERROR:
		log_warning("%s: the server is not trusted: %s", f->domain,
			    curl_easy_strerror(code));
		return NOT_TRUSTED;
	case CURLE_SSL_CACERT_BADFILE:
		log_error("%s: %s", f->ca_file ? f->ca_file : "the authorities of the system",
			  curl_easy_strerror(code));
		return FAILED;
	case CURLE_WRITE_ERROR:
	case CURLE_FILESIZE_EXCEEDED:
		log_warning("%s: the answer has more than %d octets", f->domain, MAX_BODY);
		return NOT_USABLE;
	default:
		if (f->no_device)
			log_warning("%s: cannot use the interface %s", f->domain, f->interface);
		else
			log_warning("%s: %s", f->domain, curl_easy_strerror(code));
		return NO_CONNECTION;
	}
}

static int write_body(const struct fetch *f)
{
	if (fwrite(f->body, 1, f->len, stdout) == f->len && fflush(stdout) == 0)
		return DONE;
	log_warning("cannot write: %s", log_strerror(errno));
	return FAILED;
}

static int judge(CURL *curl, const struct fetch *f)
{
	long status = 0;
	char *type = NULL;

	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &status);
	curl_easy_getinfo(curl, CURLINFO_CONTENT_TYPE, &type);
	if (status >= 300 && status < 400) {
		log_warning("%s: the server sends us elsewhere (HTTP status %ld), which is not "
			    "followed",
			    f->domain, status);
		return NOT_THERE;
	}
	if (status != 200) {
		log_warning("%s: the server has none (HTTP status %ld)", f->domain, status);
		return NOT_THERE;
	}
	if (!type_right(type)) {
		log_warning("%s: the answer is not of type " MEDIA_TYPE, f->domain);
		return NOT_USABLE;
	}
	return write_body(f);
}

static bool prepare(CURL *curl, struct curl_slist *headers, struct fetch *f)
{
	static char url[sizeof("https://" PATH) + MAX_DOMAIN];

	snprintf(url, sizeof(url), "https://%s" PATH, f->domain);
	return curl_easy_setopt(curl, CURLOPT_URL, url) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "https") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_PROXY, "") == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_IPRESOLVE, CURL_IPRESOLVE_V6) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_SSLVERSION, CURL_SSLVERSION_TLSv1_2) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_SSL_VERIFYPEER, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_SSL_VERIFYHOST, 2L) == CURLE_OK &&
	       (!f->ca_file || (curl_easy_setopt(curl, CURLOPT_CAINFO, f->ca_file) == CURLE_OK &&
				curl_easy_setopt(curl, CURLOPT_CAPATH, NULL) == CURLE_OK)) &&
	       curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_MAXFILESIZE, (long)MAX_BODY) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_WRITEDATA, f) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_SOCKOPTFUNCTION, on_socket) == CURLE_OK &&
	       curl_easy_setopt(curl, CURLOPT_SOCKOPTDATA, f) == CURLE_OK;
}

static int fetch(struct fetch *f)
{
	struct curl_slist *headers = NULL;
	CURL *curl = NULL;
	int r = FAILED;

	if (curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK && (curl = curl_easy_init()))
		headers = curl_slist_append(NULL, "Accept: " MEDIA_TYPE);
	if (headers && prepare(curl, headers, f)) {
		CURLcode code = curl_easy_perform(curl);

		r = code == CURLE_OK ? judge(curl, f) : explain(f, code);
	} else {
		log_error("cannot prepare a request");
	}
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	curl_global_cleanup();
	return r;
}

static int usage(FILE *out, int status)
{
	fputs("dmmd-fetch [OPTION...] DOMAIN\n\n"
	      "Write the additional information of a provisioning domain (RFC 8801).\n\n"
	      "  --interface=NAME  over this interface only\n"
	      "  --ca-file=FILE    trust these authorities, not those of the system;\n"
	      "                    the variable SSL_CERT_FILE does the same\n"
	      "  --help\n\n"
	      "Exits with 0: done, 1: failed, 2: usage, 3: no address, 4: no connection,\n"
	      "5: server not trusted, 6: nothing there, 7: answer not usable.\n",
	      out);
	return status;
}

enum { OPT_INTERFACE = 1, OPT_CA_FILE, OPT_HELP };

static const struct option options[] = {
	{"interface", required_argument, NULL, OPT_INTERFACE},
	{"ca-file", required_argument, NULL, OPT_CA_FILE},
	{"help", no_argument, NULL, OPT_HELP},
	{0},
};

int main(int argc, char **argv)
{
	static struct fetch f;
	int o, r;

	log_init("dmmd-fetch", LOG_INFO);
	r = no_privileges();
	if (r < 0) {
		log_error("cannot give up privileges: %s", log_strerror(-r));
		return FAILED;
	}
	f.ca_file = getenv("SSL_CERT_FILE");
	while ((o = getopt_long(argc, argv, "", options, NULL)) != -1) {
		switch (o) {
		case OPT_INTERFACE:
			f.interface = optarg;
			break;
		case OPT_CA_FILE:
			f.ca_file = optarg;
			break;
		case OPT_HELP:
			return usage(stdout, DONE);
		default:
			return usage(stderr, USAGE);
		}
	}
	if (optind != argc - 1)
		return usage(stderr, USAGE);
	f.domain = argv[optind];
	if (!domain_possible(f.domain)) {
		log_error("that is not the name of a domain");
		return USAGE;
	}
	return fetch(&f);
}
