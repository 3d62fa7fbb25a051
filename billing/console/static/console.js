// What pages do beyond being pages: charts (uPlot), asking a live page anew, copying a secret. Without it the tables
// under the charts say the same, and everything else works as well.
"use strict";
(() => {
  const COLOURS = {
    blue: "#0072B2", sky: "#56B4E9", green: "#009E73", orange: "#E69F00", yellow: "#F0E442",
    grey: "#999999", light: "#EEEEEE", red: "#D55E00", pink: "#CC79A7", ink: "#1b232b",
  };
  const DASHES = { red: [7, 4], ink: [2, 3], grey: [4, 3], pink: [9, 3, 2, 3] }; // lines differ without their colour
  const DAYS = [1, 2, 3, 7, 14, 30, 60, 90, 180, 365, 730].map((days) => days * 86400); // months and years as uPlot counts them
  const HOURS = [1, 2, 3, 4, 6, 8, 12].map((hours) => hours * 3600).concat(DAYS);
  const SIZES = [[1e12, "T"], [1e9, "B"], [1e6, "M"], [1e4, "k", 1e3]];

  // Layer n of a stack is drawn as the sum of itself and all below it, from the top one down, each over the last.
  function stacked(rows) {
    const sums = rows[0].map(() => 0);
    return rows.map((row) => row.map((value, at) => (sums[at] += value === null ? 0 : value)));
  }

  // A label of an axis has as many digits as two neighbours need to differ.
  function figures(all, apart) {
    const far = Math.max(...all.map(Math.abs));
    const [least, letter, size = least] = SIZES.find(([from]) => far >= from) || [1, ""];
    let digits = 0;
    while (digits < 9 && Math.abs((apart / size) * 10 ** digits - Math.round((apart / size) * 10 ** digits)) > 1e-6) digits += 1;
    const shown = new Intl.NumberFormat("en-US", { minimumFractionDigits: digits, maximumFractionDigits: digits });
    return all.map((value) => shown.format(value / size) + (value ? letter : ""));
  }

  // Ticks of hours say the day where it begins, ticks of days and months the year; so does the first of them.
  function ticks(zone) {
    const told = (options) => new Intl.DateTimeFormat("en-GB", { timeZone: zone, ...options });
    const day = told({ day: "numeric", month: "short" }), hour = told({ hour: "2-digit", minute: "2-digit" });
    const month = told({ month: "short" }), year = told({ year: "numeric" });
    return (_, all, __, ___, apart) => {
      const [small, large] = apart >= 2e6 ? [month, year] : apart >= 86400 ? [day, year] : [hour, day];
      let before = "";
      return all.map((at) => {
        const above = large.format(at * 1000), said = above === before ? "" : `\n${above}`;
        before = above;
        return small.format(at * 1000) + said;
      });
    };
  }

  const wide = (_, labels) => 16 + 7 * Math.max(4, ...(labels || []).map((label) => label.length));
  const whole = (text) => text.replace(/^(-?)(\d+)/, (_, sign, digits) => sign + digits.replace(/\B(?=(\d{3})+$)/g, ","));

  function span(told, bars) {
    const x = told.x, last = x[x.length - 1];
    const step = x.length > 1 ? x[1] - x[0] : 86400;
    return bars ? [x[0] - step * 0.6, last + step * 0.6] : told.stacked ? [x[0], last + step] : [x[0], last];
  }

  function options(told, box, order) {
    const width = Math.max(240, box.clientWidth);
    const moment = new Intl.DateTimeFormat("sv-SE", { timeZone: told.zone, dateStyle: "short", timeStyle: "medium" });
    const step = told.x.length > 1 ? told.x[1] - told.x[0] : 0; // no tick is finer than the buckets
    const bars = told.stacked && told.x.length <= 62;
    const paths = bars ? uPlot.paths.bars({ size: [0.86, 90] }) : told.stacked ? uPlot.paths.stepped({ align: 1 }) : undefined;
    const line = (each, at) => ({
      label: each.label,
      stroke: told.stacked && !bars ? "#fff" : COLOURS[each.colour],
      width: told.stacked ? (bars ? 0 : 1) : 2,
      fill: told.stacked ? COLOURS[each.colour] : undefined,
      dash: told.stacked ? undefined : DASHES[each.colour],
      points: { show: !told.stacked && told.x.length < 40 },
      paths,
      value: (_, __, ___, index) => (index === null || each.y[index] === null ? "–" : whole(each.y[index])),
    });
    return {
      width,
      height: width < 500 ? 210 : 280,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), told.zone),
      cursor: { drag: { x: false, y: false } },
      scales: { x: { range: () => span(told, bars) }, y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.06 : 1] } },
      axes: [
        { size: 48, grid: { show: false }, stroke: "#5a6570", values: ticks(told.zone), ...(step >= 3600 && { incrs: step >= 80000 ? DAYS : HOURS }) },
        { size: wide, stroke: "#5a6570", grid: { stroke: "#1b232b22", width: 1 }, values: (_, all, __, ___, apart) => figures(all, apart) },
      ],
      legend: { markers: { width: 0, fill: (_, at) => (at ? COLOURS[told.series[order[at - 1]].colour] : "none") } },
      series: [{ label: "Time", value: (_, at) => (at === null ? "–" : moment.format(at * 1000)) }, ...order.map((at) => line(told.series[at], at))],
    };
  }

  function draw(box) {
    const told = JSON.parse(box.dataset.chart);
    if (!told.x.length || typeof uPlot === "undefined") return;
    const raw = told.series.map((each) => each.y.map((value) => (value === null ? null : Number(value))));
    const shown = told.stacked ? stacked(raw) : raw;
    const order = told.series.map((_, at) => (told.stacked ? told.series.length - 1 - at : at));
    const plot = new uPlot(options(told, box, order), [told.x, ...order.map((at) => shown[at])], box);
    const plain = box.parentElement.querySelector(".legend");
    if (plain) plain.hidden = true; // the plot's own says the values, too
    new ResizeObserver(() => {
      const width = Math.max(240, box.clientWidth);
      if (width !== plot.width) plot.setSize({ width, height: width < 500 ? 210 : 280 });
    }).observe(box);
  }

  function prepare(root) {
    root.querySelectorAll(".chart").forEach(draw);
    root.querySelectorAll("button.copy").forEach((button) => {
      const field = document.getElementById(button.dataset.copy);
      button.hidden = !navigator.clipboard;
      button.addEventListener("click", () => navigator.clipboard.writeText(field.value).then(() => (button.textContent = "Copied")));
    });
    root.querySelectorAll("input.secret").forEach((field) => field.addEventListener("focus", () => field.select()));
  }

  // A page that says so is asked for anew; what somebody is filling in, or has opened, stays as it is.
  function follow(main) {
    const every = Number(main.dataset.live) * 1000;
    let tag = "";
    const busy = () => document.hidden || main.querySelector("form :focus, details.sure[open]") !== null;
    const again = async () => {
      if (!busy()) {
        const address = new URL(location.href);
        address.searchParams.delete("done");
        const headers = { "X-Spillway-Fragment": "1", ...(tag && { "If-None-Match": tag }) };
        const answer = await fetch(address, { headers, cache: "no-store" }).catch(() => null);
        if (answer && answer.status === 401) return location.reload();
        if (answer && answer.ok) {
          const first = tag === "";
          tag = answer.headers.get("ETag") || "";
          if (!first) replace(main, await answer.text());
        }
      }
      return setTimeout(again, every);
    };
    setTimeout(again, every);
  }

  function replace(main, text) {
    const fresh = new DOMParser().parseFromString(text, "text/html").getElementById("main");
    if (!fresh) return;
    const open = [...main.querySelectorAll("details")].map((each) => each.open);
    main.replaceChildren(...fresh.childNodes);
    main.querySelectorAll("details").forEach((each, at) => { if (open[at]) each.open = true; });
    prepare(main);
  }

  const main = document.getElementById("main");
  prepare(document);
  if (main && main.dataset.live) follow(main);
})();
