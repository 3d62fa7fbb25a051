"""What a page in a browser must be: facts that the browser is asked for, and what is wrong with them.

Facts, never pixels: an element that is wider than the window, a field without a name, a table without a caption, text
that is too pale to read (WCAG 2.1: 4.5 to 1, 3 to 1 where it is large).
"""

from typing import Any

FACTS = """() => {
  const told = element => (element.outerHTML || "").slice(0, 120);
  const shown = element => element.getClientRects().length > 0 && getComputedStyle(element).visibility != "hidden";
  const all = words => [...document.querySelectorAll(words)];
  const named = field => field.labels?.length || field.getAttribute("aria-label")
    || field.getAttribute("aria-labelledby");
  const parts = colour => (colour.match(/[\\d.]+/g) || []).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
    .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
    .reduce((sum, v, at) => sum + v * [0.2126, 0.7152, 0.0722][at], 0);
  const behind = element => {
    for (let at = element; at; at = at.parentElement) {
      const colour = parts(getComputedStyle(at).backgroundColor);
      if (colour.length == 3 || colour[3] > 0.99) return colour;
    }
    return [255, 255, 255];
  };
  const pale = all("body *").filter(element => shown(element) && !element.closest("svg, canvas, [disabled]")
      && [...element.childNodes].some(node => node.nodeType == 3 && node.textContent.trim()))
    .filter(element => {
      const style = getComputedStyle(element), size = parseFloat(style.fontSize);
      const [one, two] = [light(parts(style.color)), light(behind(element))].sort((a, b) => b - a);
      const least = size >= 24 || (size >= 18.6 && parseInt(style.fontWeight) >= 700) ? 3 : 4.5;
      return (one + 0.05) / (two + 0.05) < least - 0.01;
    });
  return {
    overflow: Math.max(0, document.documentElement.scrollWidth - innerWidth),
    title: document.title,
    language: document.documentElement.lang,
    headings: all("h1").length,
    mains: all("main").length,
    unnamed: all("input:not([type=hidden]), select, textarea").filter(field => shown(field) && !named(field)).map(told),
    silent: all("button, a[href]").filter(each => shown(each) && !each.textContent.trim()
      && !each.getAttribute("aria-label")).map(told),
    uncaptioned: all("table").filter(table => !table.closest("[role=img]") && !table.caption
      && !table.getAttribute("aria-label") && !table.getAttribute("aria-labelledby")).map(told),
    headless: all("table").filter(table => !table.querySelector("th")).map(told),
    pictures: all("img:not([alt])").map(told),
    drawings: all("svg").filter(each => shown(each) && !each.closest("[aria-hidden=true]")
      && !(each.getAttribute("aria-label") || each.getAttribute("aria-labelledby")
           || each.querySelector("title"))).map(told),
    pale: pale.map(told),
    inline: all("[style], script:not([src]):not([type='application/json']), [onclick], [onload]")
      .filter(each => !each.closest(".uplot")).map(told),
  };
}"""


def faults(facts: dict[str, Any]) -> list[str]:
    """What is wrong with a page, from its facts."""
    found = []
    if facts["overflow"]:
        found.append(f"{facts['overflow']} px wider than the window")
    if not facts["title"] or facts["language"] != "en":
        found.append("no title or no language")
    found += [f"{facts[name]} of <{tag}>" for name, tag in (("headings", "h1"), ("mains", "main")) if facts[name] != 1]
    words = {
        "unnamed": "field without a label",
        "silent": "link or button without words",
        "uncaptioned": "table without a caption",
        "headless": "table without headings",
        "pictures": "picture without alt",
        "drawings": "drawing without words",
        "pale": "text too pale",
        "inline": "inline style or script, which the policy of the page refuses",
    }
    return found + [f"{said}: {element}" for name, said in words.items() for element in facts[name]]
