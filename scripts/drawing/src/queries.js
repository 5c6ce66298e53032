// Asks Prometheus what a panel asks, and makes of its answers the frames that Grafana's data source for Prometheus makes.
import { createDataFrame, FieldType } from '@grafana/data';

/** `asked`: where Prometheus is, the time in ms since the epoch, and the seconds from one point to the next. */
export async function framesOf(panel, asked) {
  const minutes = Number.parseInt(panel.interval ?? '0m', 10);
  const often = { ...asked, step: Math.max(asked.step, 60 * minutes) };
  const answers = await Promise.all(panel.targets.map((target) => framesOfTarget(target, often)));
  return answers.flat();
}

async function framesOfTarget(target, asked) {
  const query = fill(target.expr, asked);
  if (!target.instant) {
    const start = Math.ceil(asked.from / 1000 / asked.step) * asked.step; // as Grafana aligns it
    const times = { start, end: asked.to / 1000, step: asked.step };
    const series = await ask(asked.prometheus, 'query_range', { query, ...times });
    return series.map((one) => frameOf(target, one.metric, withGaps(one.values, times)));
  }
  const series = await ask(asked.prometheus, 'query', { query, time: asked.to / 1000 });
  return target.format === 'table'
    ? [tableOf(target, series)]
    : series.map((one) => frameOf(target, one.metric, [one.value]));
}

async function ask(server, what, parameters) {
  const answer = await fetch(`${server}/api/v1/${what}?${new URLSearchParams(parameters)}`);
  const said = await answer.json();
  if (said.status !== 'success') {
    throw new Error(`${said.error}: ${parameters.query}`);
  }
  return said.data.result;
}

/** The values with null where there is none, so that no line is drawn over a gap. */
function withGaps(values, { start, end, step }) {
  const known = new Map(values);
  const times = Array.from({ length: Math.floor((end - start) / step) + 1 }, (_, index) => start + index * step);
  return times.map((at) => [at, known.get(at) ?? null]);
}

/** The variables of ours stand at All, but for a node that is chosen. */
function fill(expr, asked) {
  const builtIn = {
    __rate_interval: `${Math.max(4 * asked.scraped, asked.step + asked.scraped)}s`,
    __interval: `${asked.step}s`,
    node: asked.node,
    __range: `${Math.round((asked.to - asked.from) / 1000)}s`,
  };
  return expr.replace(/\$\{?(\w+)\}?/g, (_, name) => builtIn[name] ?? '.*');
}

function frameOf(target, labels, points) {
  const time = { name: 'Time', type: FieldType.time, config: {} };
  const value = { name: 'Value', type: FieldType.number, labels, config: { displayNameFromDS: legend(target, labels) } };
  return createDataFrame({
    refId: target.refId,
    fields: [
      { ...time, values: points.map(([at]) => at * 1000) },
      { ...value, values: points.map(([, text]) => (text === null ? null : Number(text))) },
    ],
  });
}

function tableOf(target, series) {
  const names = [...new Set(series.flatMap((one) => Object.keys(one.metric)))].sort();
  const columns = names.map((name) => ({
    name,
    type: FieldType.string,
    config: {},
    values: series.map((one) => one.metric[name] ?? ''),
  }));
  const values = series.map((one) => Number(one.value[1]));
  const times = series.map((one) => one.value[0] * 1000);
  return createDataFrame({
    refId: target.refId,
    fields: [
      { name: 'Time', type: FieldType.time, config: {}, values: times },
      ...columns,
      { name: `Value #${target.refId}`, type: FieldType.number, config: {}, values },
    ],
  });
}

/** Without a legend, the series as PromQL writes it. */
function legend(target, { __name__: name = '', ...labels }) {
  if (target.legendFormat) {
    return target.legendFormat.replace(/{{\s*(\w+)\s*}}/g, (_, label) => labels[label] ?? '');
  }
  return `${name}{${Object.entries(labels).map(([label, value]) => `${label}="${value}"`).join(', ')}}`;
}
