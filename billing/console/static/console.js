// What pages do beyond being pages: charts (uPlot), asking a live page anew, copying a secret. Without it the tables
// under the charts say the same, and everything else works as well.
"use strict";
(() => {
  const COLOURS = {
    blue: "#0072B2", sky: "#56B4E9", green: "#009E73", orange: "#E69F00", yellow: "#F0E442",
    grey: "#999999", light: "#EEEEEE", red: "#D55E00", pink: "#CC79A7", ink: "#1b232b",
  };
  const DASHES = { red: [7, 4], ink: [2, 3], grey: [4, 3], pink: [9, 3, 2, 3] }; // lines differ without their colour
  const DAYS = [1, 2, 3, 7, 14, 31, 61, 92, 183, 365].map((days) => days * 86400);
  const group = new Intl.NumberFormat("en-US", { maximumFractionDigits: 2 });
  const short = new Intl.NumberFormat("en-US", { notation: "compact", maximumFractionDigits: 1 });

  // Layer n of a stack is drawn as the sum of itself and all below it, from the top one down, each over the last.
  function stacked(rows) {
    const sums = rows[0].map(() => 0);
    return rows.map((row) => row.map((value, at) => (sums[at] += value === null ? 0 : value)));
  }

  function ticks(zone) {
    const day = new Intl.DateTimeFormat("en-GB", { timeZone: zone, day: "numeric", month: "short" });
    const hour = new Intl.DateTimeFormat("en-GB", { timeZone: zone, hour: "2-digit", minute: "2-digit" });
    const month = new Intl.DateTimeFormat("en-GB", { timeZone: zone, month: "short", year: "numeric" });
    return (_, all, __, ___, apart) => all.map((at) => (apart >= 2e6 ? month : apart >= 86400 ? day : hour).format(at * 1000));
  }

  function span(told, bars) {
    const x = told.x, last = x[x.length - 1];
    const step = x.length > 1 ? x[1] - x[0] : 86400;
    return bars ? [x[0] - step * 0.6, last + step * 0.6] : told.stacked ? [x[0], last + step] : [x[0], last];
  }

  function options(told, box, order, raw) {
    const width = Math.max(240, box.clientWidth);
    const whole = told.x.length > 1 && told.x[1] - told.x[0] >= 80000; // buckets of days or more have no hours to show
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
      value: (_, __, ___, index) => (index === null || raw[at][index] === null ? "–" : group.format(raw[at][index])),
    });
    return {
      width,
      height: width < 500 ? 210 : 280,
      tzDate: (at) => uPlot.tzDate(new Date(at * 1000), told.zone),
      cursor: { drag: { x: false, y: false } },
      scales: { x: { range: () => span(told, bars) }, y: { range: (_, low, high) => [Math.min(0, low), high > 0 ? high * 1.06 : 1] } },
      axes: [
        { size: 34, grid: { show: false }, stroke: "#5a6570", values: ticks(told.zone), ...(whole && { incrs: DAYS }) },
        { size: 54, stroke: "#5a6570", grid: { stroke: "#1b232b22", width: 1 }, values: (_, all) => all.map((v) => short.format(v)) },
      ],
      legend: { markers: { width: 0, fill: (_, at) => (at ? COLOURS[told.series[order[at - 1]].colour] : "none") } },
      series: [{ value: (_, at) => (at === null ? "–" : new Date(at * 1000).toISOString().slice(0, 16).replace("T", " ")) }, ...order.map((at) => line(told.series[at], at))],
    };
  }

  function draw(box) {
    const told = JSON.parse(box.dataset.chart);
    if (!told.x.length || typeof uPlot === "undefined") return;
    const raw = told.series.map((each) => each.y.map((value) => (value === null ? null : Number(value))));
    const shown = told.stacked ? stacked(raw) : raw;
    const order = told.series.map((_, at) => (told.stacked ? told.series.length - 1 - at : at));
    const plot = new uPlot(options(told, box, order, raw), [told.x, ...order.map((at) => shown[at])], box);
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
