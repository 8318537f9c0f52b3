// Draws the charts from the figures that the page carries; the tables say the same without it.
"use strict";

const figures = JSON.parse(document.getElementById("charts").textContent);
const green = "#1f7a4d", pale = "#b9d3c5", quiet = "#66756d", line = "#dfe6e1";
const charts = [];

function draw(id, option) {
  const place = document.getElementById(id);
  if (!place) return null;
  const chart = echarts.init(place, null, { renderer: "svg" });
  chart.setOption({
    animation: false,
    textStyle: { fontFamily: getComputedStyle(document.body).fontFamily },
    ...option,
  });
  charts.push(chart);
  return chart;
}

function opens(chart) {
  if (!chart) return;
  chart.on("click", ({ data }) => { if (data.address) location.search = data.address; });
}

const amountOf = (value) => `${value.toLocaleString()} ${figures.words.amount}`;

opens(draw("months", {
  color: [green, pale],
  legend: { right: 0, top: 0, data: [String(figures.year), String(figures.year - 1)] },
  grid: { left: 8, right: 8, top: 36, bottom: 8, containLabel: true },
  tooltip: { trigger: "axis", valueFormatter: amountOf },
  xAxis: {
    type: "category",
    data: figures.months.map((_, index) => `${index + 1}${figures.words.unit}`),
    axisTick: { show: false }, axisLine: { lineStyle: { color: line } }, axisLabel: { color: quiet },
  },
  yAxis: {
    type: "value", name: figures.words.amount, nameTextStyle: { color: quiet, align: "left" },
    splitLine: { lineStyle: { color: line } }, axisLabel: { color: quiet },
  },
  series: [0, 1].map((index) => ({
    name: String(figures.year - index), type: "bar", barMaxWidth: 22,
    data: figures.months.map(({ amounts, address }) => ({ value: amounts[index], address })),
  })),
}));

const widest = Math.min(54, document.body.clientWidth / 9);
const largest = Math.max(1, ...figures.counties.map((county) => county.amount));
opens(draw("map", {
  grid: { left: 30, right: 50, top: 24, bottom: 24 },
  tooltip: { formatter: ({ data }) => `${data.name}<br>${amountOf(data.value[2])}` },
  xAxis: { type: "value", min: 106.3, max: 108.0, show: false },
  yAxis: { type: "value", min: 25.3, max: 27.2, show: false },
  series: [{
    type: "scatter", color: green,
    itemStyle: { opacity: 0.75, borderColor: "#fff", borderWidth: 1 },
    // The area, not the width, says how much.
    symbolSize: (value) => 10 + widest * Math.sqrt(Math.max(0, value[2]) / largest),
    label: { show: true, position: "bottom", formatter: "{b}", color: "#1d2b24" },
    labelLayout: { hideOverlap: true },
    data: figures.counties.map(({ name, place, amount, address }) => ({
      name, value: [...place, amount], address,
    })),
  }],
}));

const names = [...new Set(figures.pairs.flatMap((pair) => [pair.from, pair.to]))];
opens(draw("pairs", {
  tooltip: { valueFormatter: amountOf },
  series: [{
    type: "sankey", left: 8, right: 110, top: 8, bottom: 8, nodeGap: 14, draggable: false,
    lineStyle: { color: "gradient", opacity: 0.35 },
    label: { color: "#1d2b24", width: 100, overflow: "break" },
    color: [green, "#c08a2b", "#4f86a8", "#8a6fae", "#6b9a3a", "#b5654a"],
    data: names.map((name) => ({ name })),
    links: figures.pairs.map(({ from, to, amount, address }) => ({
      source: from, target: to, value: amount, address,
    })),
  }],
}));

addEventListener("resize", () => charts.forEach((chart) => chart.resize()));
addEventListener("beforeprint", () => charts.forEach((chart) => chart.resize()));
