"""An SVG of the ratios to the bare machine: one group of bars a metric."""

import math

WIDTH, LEFT, RIGHT = 900, 190, 70
BAR, GAP, TOP, BOTTOM = 13, 12, 60, 40
COLOURS = {"parapet-control": "#1f6fb2", "xen-control": "#b0b0b0"}
OTHER = "#7aa874"


def scale(ratio, most):
    """Logarithmic, from 0.5 to most; pixels from the left edge."""
    low = math.log2(0.5)
    share = (math.log2(max(ratio, 0.5)) - low) / (math.log2(most) - low)
    return LEFT + share * (WIDTH - LEFT - RIGHT)


def text(x, y, words, anchor="start", size=12):
    return (f'<text x="{x:.0f}" y="{y:.0f}" font-size="{size}" '
            f'text-anchor="{anchor}">{words}</text>')


def axis(most, height):
    out, tick = [], 0.5
    while tick <= most:
        x = scale(tick, most)
        colour = "#404040" if tick == 1 else "#dddddd"
        out.append(f'<line x1="{x:.1f}" y1="{TOP - 8}" x2="{x:.1f}" '
                   f'y2="{height - BOTTOM}" stroke="{colour}"/>')
        out.append(text(x, height - BOTTOM + 16, f"{tick:g}x", "middle", 11))
        tick *= 2
    return out


def legend(systems):
    out, x = [], LEFT
    for system in systems:
        colour = COLOURS.get(system, OTHER)
        out.append(f'<rect x="{x}" y="28" width="12" height="12" '
                   f'fill="{colour}"/>')
        out.append(text(x + 17, 39, system))
        x += 150
    out.append(f'<line x1="{x}" y1="26" x2="{x}" y2="42" stroke="#c03030" '
               'stroke-width="2"/>')
    out.append(text(x + 6, 39, "target"))
    return out


def write_svg(path, results, targets):
    systems = [s for s in results.systems() if s != "native"]
    rows = [(metric, [(s, results.ratio(metric, s)) for s in systems])
            for metric in results.values]
    rows = [(m, bars) for m, bars in rows if any(r for _, r in bars)]
    group = BAR * len(systems) + GAP
    height = TOP + BOTTOM + group * len(rows)
    most = max([2] + [r for _, bars in rows for _, r in bars if r])
    most = 2 ** math.ceil(math.log2(most))

    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" '
           f'height="{height}" font-family="sans-serif">',
           f'<rect width="{WIDTH}" height="{height}" fill="white"/>',
           text(10, 18, "Cost relative to the same kernel on the bare "
                "machine (lower is better, logarithmic)", size=14)]
    out += legend(systems) + axis(most, height)
    one = scale(1, most)
    for number, (metric, bars) in enumerate(rows):
        y = TOP + number * group
        out.append(text(LEFT - 8, y + BAR * len(systems) / 2 + 3, metric,
                        "end"))
        for system, ratio in bars:
            if ratio:
                x = scale(ratio, most)
                out.append(f'<rect x="{min(one, x):.1f}" y="{y}" '
                           f'width="{abs(x - one):.1f}" height="{BAR - 2}" '
                           f'fill="{COLOURS.get(system, OTHER)}"/>')
                out.append(text(max(x, one) + 4, y + 10, f"{ratio:.2f}",
                                size=10))
            y += BAR
        if metric in targets:
            x = scale(targets[metric][1], most)
            top = TOP + number * group - 2
            out.append(f'<line x1="{x:.1f}" y1="{top}" x2="{x:.1f}" '
                       f'y2="{top + group - GAP + 2}" stroke="#c03030" '
                       'stroke-width="2"/>')
    out.append("</svg>")
    with open(path, "w", encoding="utf-8") as file:
        file.write("\n".join(out) + "\n")
