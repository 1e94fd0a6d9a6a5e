/* SPDX-License-Identifier: MIT */
/*
 * The page: one file of HTML that needs nothing else, no script, no network.
 *
 * From the whole to the parts: what each system costs on average, the plot, what
 * work, devices and lives come to, all figures in a table, what was promised and
 * kept.  Colours follow the reader's choice of light or dark.
 */
#include <string.h>

#include "tools/bench/report.h"
#include "tools/bench/style.h"

/* page.css, which the linker brings in. */
extern const char page_css[], page_css_end[];

static void element(FILE *f, const char *tag, const char *text)
{
	fprintf(f, "<%s>", tag);
	write_text(f, text);
	fprintf(f, "</%.*s>", (int)strcspn(tag, " "), tag);
}

/* ---- the whole ----------------------------------------------------------------- */

static void write_facts(FILE *f, const struct report *r)
{
	struct json_object *setup = report_part(r, "setup");

	if (!json_object_is_type(setup, json_type_object))
		return;
	fputs("<ul class=\"facts\">\n", f);
	json_object_object_foreach(setup, name, value)
	{
		fputs("<li>", f);
		write_text(f, name);
		fputs(" ", f);
		element(f, "b", json_object_get_string(value));
		fputs("</li>\n", f);
	}
	fputs("</ul>\n", f);
}

/* What a system costs on average: of its groups, the first is the great one. */
static void write_sum(FILE *f, const struct report *r, int system)
{
	static const enum group groups[] = {GROUP_KERNEL, GROUP_PROCESSOR,
					    GROUP_WORK, GROUP_DISK};
	const struct system *s = &r->systems[system];
	char text[TEXT];
	int count;
	double cost = report_mean_cost(r, GROUP_KERNEL, system, &count);

	cost_text(text, cost, true);
	fprintf(f, "<section class=\"card sum %s\">", s->style);
	element(f, "h3", s->title);
	fprintf(f,
		"<div class=\"big\">%s</div><p class=\"note\">"
		"%d kernel operation%s</p>\n<dl>",
		text, count, count == 1 ? "" : "s");
	for (size_t i = 1; i < sizeof(groups) / sizeof(groups[0]); i++) {
		cost = report_mean_cost(r, groups[i], system, &count);
		if (!count)
			continue;
		element(f, "dt", group_title(groups[i]));
		cost_text(text, cost, true);
		element(f, "dd", text);
	}
	fputs("</dl></section>\n", f);
}

static void write_sums(FILE *f, const struct report *r)
{
	int count, any = 0;

	for (int i = 0; i < r->nr_systems; i++) {
		if (i == r->base)
			continue;
		report_mean_cost(r, GROUP_KERNEL, i, &count);
		if (!count)
			continue;
		if (!any++)
			fputs("<div class=\"sums\">\n", f);
		write_sum(f, r, i);
	}
	if (!any)
		return;
	fputs("</div>\n<p class=\"note\">The big number: what an operation "
	      "of the kernel costs against ",
	      f);
	write_text(f, r->systems[r->base].title);
	fputs(", the geometric mean of all. Below it the means of the other "
	      "groups. Less is better; 2\u00d7 is twice the time, or half the "
	      "rate.</p>\n",
	      f);
}

/* ---- bars ---------------------------------------------------------------------- */

/* A bar; one that is longer than there is room for has an open end. */
static void write_bar(FILE *f, const struct report *r, const struct row *row,
		      int system, double most)
{
	const struct figure *v = &row->of[system];
	char value[TEXT], ratio[TEXT];
	double cost = report_cost(r, row, system);
	bool fits = v->max <= most;

	figure_text(value, v->median, row->unit, true);
	cost_text(ratio, cost, true);
	fprintf(f, "<div class=\"bar %s\"><div>", r->systems[system].style);
	element(f, "span", r->systems[system].title);
	fprintf(f, "<b>%s", value);
	if (cost > 0 && system != r->base)
		fprintf(f, " <i>%s</i>", ratio);
	fprintf(f,
		"</b></div><div class=\"track\"><div class=\"fill%s\" "
		"style=\"width:%.1f%%\"></div>",
		fits ? "" : " over", fits ? 100 * v->median / most : 100);
	if (fits)
		fprintf(f,
			"<div class=\"reach\" style=\"left:%.1f%%;"
			"width:%.1f%%\"></div>",
			100 * v->min / most, 100 * (v->max - v->min) / most);
	fputs("</div></div>\n", f);
}

/*
 * What the whole length stands for: the greatest, unless that is far above all
 * others, which would not be seen beside it.
 */
static double full_length(const struct report *r, const struct row *row)
{
	double most = 0, second = 0;

	for (int i = 0; i < r->nr_systems; i++) {
		double max = row->of[i].known ? row->of[i].max : 0;

		if (max > most) {
			second = most;
			most = max;
		} else if (max > second) {
			second = max;
		}
	}
	return second > 0 && most > 4 * second ? 1.25 * second : most;
}

static void write_bars(FILE *f, const struct report *r, const struct row *row)
{
	double most = full_length(r, row);

	if (most <= 0)
		return;
	fputs("<section class=\"card bars\"><h3>", f);
	write_text(f, row->title);
	fprintf(f, "<span>%s</span></h3>\n",
		row->more_is_better ? "longer is better" : "shorter is better");
	for (int i = 0; i < r->nr_systems; i++)
		if (row->of[i].known)
			write_bar(f, r, row, i, most);
	fputs("</section>\n", f);
}

static void write_group_head(FILE *f, enum group group)
{
	element(f, "h2", group_title(group));
	fputs("<p class=\"note\">", f);
	write_text(f, group_note(group));
	fputs("</p>\n", f);
}

static void write_group(FILE *f, const struct report *r, enum group group)
{
	int count = 0;

	for (int i = 0; i < r->nr_rows; i++)
		count += r->rows[i].group == group;
	if (!count)
		return;
	write_group_head(f, group);
	fprintf(f, "<div class=\"grid%s\">\n",
		count == 1 || count == 2 || count == 4 ? " halves" : "");
	for (int i = 0; i < r->nr_rows; i++)
		if (r->rows[i].group == group)
			write_bars(f, r, &r->rows[i]);
	fputs("</div>\n", f);
}

/* ---- all figures --------------------------------------------------------------- */

/* The best of all but the base; -1 if there is only one. */
static int best_of(const struct report *r, const struct row *row)
{
	int best = -1, count = 0;

	for (int i = 0; i < r->nr_systems; i++) {
		const struct figure *v = &row->of[i];

		if (i == r->base || !v->known)
			continue;
		count++;
		if (best < 0 ||
		    (row->more_is_better ? v->median > row->of[best].median
					 : v->median < row->of[best].median))
			best = i;
	}
	return count > 1 ? best : -1;
}

static void write_cell(FILE *f, const struct report *r, const struct row *row,
		       int system, bool best)
{
	const struct figure *v = &row->of[system];
	char value[TEXT], least[TEXT], most[TEXT], ratio[TEXT];
	double cost = report_cost(r, row, system);

	if (!v->known) {
		fputs("<td class=\"soft\">\u2013</td>", f);
		return;
	}
	figure_text(value, v->median, row->unit, true);
	figure_text(least, v->min, row->unit, true);
	figure_text(most, v->max, row->unit, true);
	cost_text(ratio, cost, true);
	fprintf(f, "<td%s title=\"%s to %s\">%s", best ? " class=\"best\"" : "",
		least, most, value);
	if (system != r->base)
		fprintf(f, "<small>%s</small>", ratio);
	fputs("</td>", f);
}

static void write_figures(FILE *f, const struct report *r)
{
	fputs("<h2>All figures</h2>\n<p class=\"note\">Medians; below each what "
	      "it costs. The best but for the base is bold; what lies under a "
	      "figure tells its least and greatest round.</p>\n"
	      "<div class=\"card wide\"><table><thead><tr><th></th>",
	      f);
	for (int i = 0; i < r->nr_systems; i++) {
		fprintf(f, "<th class=\"%s\">", r->systems[i].style);
		write_text(f, r->systems[i].title);
		fputs("</th>", f);
	}
	fputs("</tr></thead><tbody>\n", f);
	for (int n = 0; n < r->nr_rows; n++) {
		const struct row *row = &r->rows[n];
		int best = best_of(r, row);

		if (!n || row->group != r->rows[n - 1].group) {
			fprintf(f, "<tr class=\"group\"><th colspan=\"%d\">",
				r->nr_systems + 1);
			write_text(f, group_title(row->group));
			fputs("</th></tr>\n", f);
		}
		fputs("<tr><td title=\"", f);
		write_text(f, row->name);
		fputs("\">", f);
		write_text(f, row->title);
		fputs("</td>", f);
		for (int i = 0; i < r->nr_systems; i++)
			write_cell(f, r, row, i, i == best);
		fputs("</tr>\n", f);
	}
	fputs("</tbody></table></div>\n", f);
}

static void write_checks(FILE *f, const struct report *r)
{
	struct json_object *checks = report_part(r, "checks"), *text, *good;

	if (!json_object_is_type(checks, json_type_array) ||
	    !json_object_array_length(checks))
		return;
	fputs("<h2>Limits</h2>\n<div class=\"card\"><ul class=\"checks\">\n",
	      f);
	for (size_t i = 0; i < json_object_array_length(checks); i++) {
		struct json_object *o = json_object_array_get_idx(checks, i);

		if (!json_object_is_type(o, json_type_object) ||
		    !json_object_object_get_ex(o, "text", &text) ||
		    !json_object_object_get_ex(o, "good", &good))
			continue;
		fprintf(f, "<li class=\"%s\">",
			json_object_get_boolean(good) ? "good" : "missed");
		write_text(f, json_object_get_string(text));
		fputs("</li>\n", f);
	}
	fputs("</ul></div>\n", f);
}

void write_page(FILE *f, const struct report *r)
{
	static const enum group groups[] = {
		GROUP_WORK, GROUP_DISK, GROUP_NETWORK, GROUP_LIFE, GROUP_OTHER};

	fputs("<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">"
	      "<meta name=\"viewport\" content=\"width=device-width,"
	      "initial-scale=1\"><meta name=\"color-scheme\" content=\"light "
	      "dark\"><title>Parapet: benchmark</title>\n<style>\n" STYLE_COLOURS
		      STYLE_PLOT,
	      f);
	fwrite(page_css, 1, (size_t)(page_css_end - page_css), f);
	fputs("</style></head><body><main>\n<h1>What virtualization costs</h1>\n"
	      "<p class=\"soft\">The same kernel and programs on each system, "
	      "on one machine, in turns.</p>\n",
	      f);
	write_facts(f, r);
	write_sums(f, r);
	fputs("<h2>Operation by operation</h2>\n<p class=\"note\">Each point is "
	      "the median of a system; the line through it spans its rounds."
	      "</p>\n<div class=\"card wide\">\n",
	      f);
	write_plot(f, r, false);
	fputs("</div>\n", f);
	for (size_t i = 0; i < sizeof(groups) / sizeof(groups[0]); i++)
		write_group(f, r, groups[i]);
	write_figures(f, r);
	write_checks(f, r);
	fputs("<footer>Made by parapet-bench from results.json.</footer>\n"
	      "</main></body></html>\n",
	      f);
}
