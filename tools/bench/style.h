/* SPDX-License-Identifier: MIT */
/* The colours of systems, light and dark: of the plot, alone and in the page. */
#ifndef TOOLS_BENCH_STYLE_H
#define TOOLS_BENCH_STYLE_H

#define STYLE_LIGHT                                                            \
	"--paper:#fbfbf9;--card:#fff;--ink:#1d2126;--soft:#656c75;"            \
	"--line:#e3e4e0;--track:#f0f0ec;--good:#1b7f4b;--bad:#b3261e;"         \
	"--native:#7c8490;--parapet-control:#6aa5dd;--parapet-guest:#1763b5;"  \
	"--parapet-apart:#9dbfe0;--parapet-patched:#0a2f6b;"                   \
	"--parapet-own:#0d8ba1;"                                               \
	"--xen-control:#e8a04c;--xen-guest:#c4570c;--xen-pvh:#b3272d;"         \
	"--kvm-guest:#21936a;--tcg-guest:#8e55b8;--other:#a08a3c"

#define STYLE_DARK                                                             \
	"--paper:#14171b;--card:#1c2026;--ink:#e8eaed;--soft:#9aa3ad;"         \
	"--line:#30363e;--track:#262b32;--good:#57c98d;--bad:#ff8a80;"         \
	"--native:#9aa3ad;--parapet-control:#5d8fc0;--parapet-guest:#5fb0ff;"  \
	"--parapet-apart:#41627f;--parapet-patched:#b5dcff;"                   \
	"--parapet-own:#46c6da;"                                               \
	"--xen-control:#b9803f;--xen-guest:#ff9d4d;--xen-pvh:#ff7b72;"         \
	"--kvm-guest:#4fd1a0;--tcg-guest:#c796ee;--other:#d8c06a"

#define STYLE_COLOURS                                                          \
	":root{" STYLE_LIGHT "}\n"                                             \
	"@media (prefers-color-scheme:dark){:root{" STYLE_DARK "}}\n"          \
	".native{--c:var(--native)}"                                           \
	".parapet-control{--c:var(--parapet-control)}"                         \
	".parapet-apart{--c:var(--parapet-apart)}"                             \
	".parapet-guest{--c:var(--parapet-guest)}"                             \
	".parapet-patched{--c:var(--parapet-patched)}"                         \
	".parapet-own{--c:var(--parapet-own)}"                                 \
	".xen-control{--c:var(--xen-control)}"                                 \
	".xen-guest{--c:var(--xen-guest)}"                                     \
	".xen-pvh{--c:var(--xen-pvh)}"                                         \
	".kvm-guest{--c:var(--kvm-guest)}"                                     \
	".tcg-guest{--c:var(--tcg-guest)}"                                     \
	".other{--c:var(--other)}\n"

#define STYLE_PLOT                                                             \
	".plot text{fill:var(--ink);font:13px system-ui,sans-serif}"           \
	".plot .soft{fill:var(--soft);font-size:12px}"                         \
	".plot .head{font-weight:600;font-size:14px}"                          \
	".plot .grid{stroke:var(--line)}"                                      \
	".plot .one{stroke:var(--native);stroke-width:2}"                      \
	".plot .band{fill:var(--track)}"                                       \
	".plot .reach{stroke:var(--c);stroke-width:1.5;opacity:.45}"           \
	".plot circle{fill:var(--c);stroke:var(--card);stroke-width:1}"        \
	".plot .hollow{fill:var(--card);stroke:var(--c);stroke-width:2}\n"

#endif
