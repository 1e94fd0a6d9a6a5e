/* SPDX-License-Identifier: MIT */
/*
 * Own pages lent to another domain, through the kernel's /dev/xen/gntalloc.
 */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "tools/pvlib/internal.h"

struct lent {
	void *pages;
	uint64_t index;
	struct lent *next;
};

struct pv_share {
	int fd;
	struct lent *lent; /* the kernel does not tell indices again */
};

struct gntalloc_alloc {
	domid_t domid;
	uint16_t flags;
	uint32_t count;
	uint64_t index; /* OUT */
	uint32_t refs[1]; /* OUT */
};

struct gntalloc_free {
	uint64_t index;
	uint32_t count;
};

#define GNTALLOC_ALLOC    XEN_IOC('G', 5, sizeof(struct gntalloc_alloc))
#define GNTALLOC_FREE     XEN_IOC('G', 6, sizeof(struct gntalloc_free))
#define GNTALLOC_WRITABLE 1

struct pv_share *pv_share_open(void)
{
	struct pv_share *s = calloc(1, sizeof(*s));
	int err;

	if (!s)
		return pv_fail_null(ENOMEM, "open the page-lending device");
	s->fd = pv_open_device("gntalloc", O_RDWR);
	if (s->fd >= 0)
		return s;
	err = errno;
	free(s);
	errno = err;
	return NULL;
}

void pv_share_close(struct pv_share *s)
{
	struct lent *l;

	if (!s)
		return;
	while ((l = s->lent)) {
		s->lent = l->next;
		free(l);
	}
	close(s->fd);
	free(s);
}

/* Show the pages and remember them; NULL with errno set. */
static void *keep(struct pv_share *s, const struct gntalloc_alloc *a)
{
	struct lent *l = malloc(sizeof(*l));

	if (!l)
		return NULL;
	l->pages = mmap(NULL, (size_t)a->count * PV_PAGE_SIZE,
			PROT_READ | PROT_WRITE, MAP_SHARED, s->fd,
			(off_t)a->index);
	if (l->pages == MAP_FAILED) {
		int err = errno;

		free(l);
		errno = err;
		return NULL;
	}
	l->index = a->index;
	l->next = s->lent;
	s->lent = l;
	return l->pages;
}

static void give_back(struct pv_share *s, uint64_t index, unsigned int nr)
{
	struct gntalloc_free f = {.index = index, .count = nr};

	ioctl(s->fd, GNTALLOC_FREE, &f);
}

void *pv_share_alloc(struct pv_share *s, domid_t domid, unsigned int nr,
		     bool writable, uint32_t *refs)
{
	struct gntalloc_alloc *a = calloc(1, sizeof(*a) + nr * sizeof(*refs));
	void *pages = NULL;
	int err;

	if (!a || !nr) {
		free(a);
		return pv_fail_null(nr ? ENOMEM : EINVAL,
				    "lend %u pages to d%u", nr, domid);
	}
	a->domid = domid;
	a->flags = writable ? GNTALLOC_WRITABLE : 0;
	a->count = nr;
	if (ioctl(s->fd, GNTALLOC_ALLOC, a) < 0) {
		err = errno;
	} else {
		memcpy(refs, a->refs, nr * sizeof(*refs));
		pages = keep(s, a);
		err = errno;
		if (!pages)
			give_back(s, a->index, nr);
	}
	free(a);
	return pages ? pages
		     : pv_fail_null(err, "lend %u pages to d%u", nr, domid);
}

int pv_share_free(struct pv_share *s, void *pages, unsigned int nr)
{
	struct lent **at = &s->lent, *l;

	while (*at && (*at)->pages != pages)
		at = &(*at)->next;
	l = *at;
	if (!l)
		return pv_fail(EINVAL, "no page is lent at %p", pages);
	*at = l->next;
	munmap(pages, (size_t)nr * PV_PAGE_SIZE);
	give_back(s, l->index, nr);
	free(l);
	return 0;
}
