/* SPDX-License-Identifier: MIT */
/*
 * The plot: what each row costs on each system against the base, as a point on
 * a logarithmic line.  Points of one row are a little above each other, in the
 * order of the systems; those of control domains are hollow.  A line through a
 * point goes from the least to the greatest of its rounds.
 */
#include <math.h>
#include <string.h>

#include "tools/bench/report.h"
#include "tools/bench/style.h"

enum {
	WIDTH = 1000,
	LEFT = 250,
	RIGHT = 30,
	TOP = 78,
	BOTTOM = 34,
	HEAD = 34, /* of a group */
	LANE = 4, /* between the points of a row */
	PAD = 16,
};

struct plot {
	FILE *f;
	const struct report *r;
	double low, high; /* logarithms to base 2 of the ends */
	int row_height, bottom;
};

void write_text(FILE *f, const char *text)
{
	for (; *text; text++) {
		const char *entity = *text == '<'   ? "&lt;"
				     : *text == '>' ? "&gt;"
				     : *text == '&' ? "&amp;"
				     : *text == '"' ? "&quot;"
						    : NULL;

		if (entity)
			fputs(entity, f);
		else if ((unsigned char)*text >= ' ')
			fputc(*text, f);
	}
}

/* Has the row a cost on any system but the base? */
static bool has_costs(const struct report *r, const struct row *row)
{
	for (int i = 0; i < r->nr_systems; i++)
		if (i != r->base && report_cost(r, row, i) > 0)
			return true;
	return false;
}

static bool starts_group(const struct report *r, int i)
{
	enum group group = r->rows[i].group;

	while (--i >= 0)
		if (has_costs(r, &r->rows[i]))
			return r->rows[i].group != group;
	return true;
}

static double place(const struct plot *p, double cost)
{
	double at = log2(cost);

	at = at < p->low ? p->low : at > p->high ? p->high : at;
	return LEFT +
	       (at - p->low) / (p->high - p->low) * (WIDTH - LEFT - RIGHT);
}

static void label(const struct plot *p, double x, double y, const char *class,
		  const char *anchor, const char *text)
{
	fprintf(p->f,
		"<text x=\"%.1f\" y=\"%.1f\" class=\"%s\" "
		"text-anchor=\"%s\">",
		x, y, class, anchor);
	write_text(p->f, text);
	fputs("</text>\n", p->f);
}

static bool is_hollow(const struct system *s)
{
	return strstr(s->name, "-control") != NULL;
}

static void write_legend(const struct plot *p)
{
	double x = 14, y = 46;

	for (int i = 0; i < p->r->nr_systems; i++) {
		const struct system *s = &p->r->systems[i];

		if (x + 30 + 7 * (double)strlen(s->title) > WIDTH) {
			x = 14;
			y += 20;
		}
		fprintf(p->f, "<g class=\"%s\">", s->style);
		if (i == p->r->base)
			fprintf(p->f,
				"<line class=\"one\" x1=\"%.0f\" x2=\"%.0f\" "
				"y1=\"%.0f\" y2=\"%.0f\"/>",
				x, x, y - 11, y + 1);
		else
			fprintf(p->f,
				"<circle%s cx=\"%.0f\" cy=\"%.0f\" r=\"5\"/>",
				is_hollow(s) ? " class=\"hollow\"" : "", x,
				y - 5);
		fputs("</g>", p->f);
		label(p, x + 10, y, "soft", "start", s->title);
		x += 34 + 6.4 * (double)strlen(s->title);
	}
}

static void write_axis(const struct plot *p)
{
	char text[TEXT];

	for (int tick = (int)p->low; tick <= (int)p->high; tick++) {
		double x = place(p, exp2(tick));

		fprintf(p->f,
			"<line class=\"%s\" x1=\"%.1f\" x2=\"%.1f\" y1=\"%d\" "
			"y2=\"%d\"/>\n",
			tick ? "grid" : "one", x, x, TOP + 24, p->bottom);
		snprintf(text, sizeof(text), "%g\u00d7", exp2(tick));
		label(p, x, p->bottom + 20, "soft", "middle", text);
		label(p, x, TOP + 18, "soft", "middle", text);
	}
}

static void write_point(const struct plot *p, const struct row *row, int i,
			double y)
{
	const struct system *s = &p->r->systems[i];
	double cost = report_cost(p->r, row, i);
	const struct figure *v = &row->of[i];
	char value[TEXT], ratio[TEXT];
	double from, to;

	if (cost <= 0)
		return;
	/* The base's median is one; of what varies there nothing is shown. */
	from = v->min > 0 ? cost * v->min / v->median : cost;
	to = v->max > 0 ? cost * v->max / v->median : cost;
	if (row->more_is_better) {
		from = v->max > 0 ? cost * v->median / v->max : cost;
		to = v->min > 0 ? cost * v->median / v->min : cost;
	}
	figure_text(value, v->median, row->unit, true);
	cost_text(ratio, cost, true);
	fprintf(p->f,
		"<g class=\"%s\"><line class=\"reach\" x1=\"%.1f\" x2=\"%.1f\" "
		"y1=\"%.1f\" y2=\"%.1f\"/><circle%s cx=\"%.1f\" cy=\"%.1f\" "
		"r=\"5\"><title>",
		s->style, place(p, from), place(p, to), y, y,
		is_hollow(s) ? " class=\"hollow\"" : "", place(p, cost), y);
	write_text(p->f, s->title);
	fputs(", ", p->f);
	write_text(p->f, row->title);
	fprintf(p->f, ": %s, %s</title></circle></g>\n", value, ratio);
}

static void write_points(const struct plot *p, const struct row *row, int y)
{
	double at = y + PAD / 2.0 + 1;

	for (int i = 0; i < p->r->nr_systems; i++) {
		if (i == p->r->base)
			continue;
		write_point(p, row, i, at);
		at += LANE;
	}
}

/* The greatest and the least cost say how far the line goes. */
static void find_ends(struct plot *p)
{
	double low = -1, high = 2;

	for (int n = 0; n < p->r->nr_rows; n++) {
		for (int i = 0; i < p->r->nr_systems; i++) {
			double cost = report_cost(p->r, &p->r->rows[n], i);

			if (cost <= 0)
				continue;
			low = fmin(low, floor(log2(cost)));
			high = fmax(high, ceil(log2(cost)));
		}
	}
	p->low = fmax(low, -6);
	p->high = fmin(high, 12);
}

static int height_of(const struct plot *p)
{
	int height = TOP;

	for (int i = 0; i < p->r->nr_rows; i++) {
		if (!has_costs(p->r, &p->r->rows[i]))
			continue;
		height += p->row_height + (starts_group(p->r, i) ? HEAD : 0);
	}
	return height;
}

static void write_rows(const struct plot *p)
{
	int y = TOP, odd = 0;

	for (int i = 0; i < p->r->nr_rows; i++) {
		const struct row *row = &p->r->rows[i];

		if (!has_costs(p->r, row))
			continue;
		if (starts_group(p->r, i)) {
			label(p, 14, y + HEAD - 10, "head", "start",
			      group_title(row->group));
			y += HEAD;
			odd = 0;
		}
		if (odd++ % 2 == 0)
			fprintf(p->f,
				"<rect class=\"band\" x=\"6\" y=\"%d\" "
				"width=\"%d\" height=\"%d\" rx=\"4\"/>\n",
				y, WIDTH - 12, p->row_height);
		label(p, 14, y + p->row_height / 2.0 + 4.5, "name", "start",
		      row->title);
		y += p->row_height;
	}
}

static void write_all_points(const struct plot *p)
{
	int y = TOP;

	for (int i = 0; i < p->r->nr_rows; i++) {
		if (!has_costs(p->r, &p->r->rows[i]))
			continue;
		y += starts_group(p->r, i) ? HEAD : 0;
		write_points(p, &p->r->rows[i], y);
		y += p->row_height;
	}
}

void write_plot(FILE *f, const struct report *r, bool alone)
{
	struct plot p = {.f = f, .r = r};
	char title[128];

	p.row_height = PAD + LANE * (r->nr_systems > 2 ? r->nr_systems - 2 : 0);
	if (p.row_height < 24)
		p.row_height = 24;
	p.bottom = height_of(&p);
	find_ends(&p);
	fprintf(f,
		"<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"plot\" "
		"viewBox=\"0 0 %d %d\" role=\"img\"%s>\n",
		WIDTH, p.bottom + BOTTOM, alone ? " width=\"1000\"" : "");
	if (alone)
		fprintf(f, "<style>" STYLE_COLOURS STYLE_PLOT "</style>\n"
			   "<rect width=\"100%%\" height=\"100%%\" "
			   "style=\"fill:var(--card)\"/>\n");
	snprintf(title, sizeof(title),
		 "What it costs against %s (less is better, logarithmic)",
		 r->base >= 0 ? r->systems[r->base].title : "nothing");
	label(&p, 14, 22, "head", "start", title);
	write_legend(&p);
	write_rows(&p);
	write_axis(&p);
	write_all_points(&p);
	fputs("</svg>\n", f);
}
