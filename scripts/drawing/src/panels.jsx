// One panel, drawn by Grafana's own component for it.
import { dateTime, getFieldDisplayValues } from '@grafana/data';
import { BigValue, TimeSeries, VizRepeater } from '@grafana/ui';
import { TableNG } from '@grafana/ui/unstable';
import { Timeline } from './timeline.jsx';

const DRAWN = { stat: Stat, table: Rows, timeseries: Lines, 'state-timeline': States };

export function Inside({ panel, frames, asked, width, height, theme }) {
  const Component = DRAWN[panel.type];
  return frames.some((frame) => frame.length > 0) ? (
    <Component {...{ panel, frames, asked, width, height, theme }} />
  ) : (
    <div style={{ display: 'grid', placeItems: 'center', width, height }}>No data</div>
  );
}

function Lines({ panel, frames, asked, width, height }) {
  const [from, to] = [dateTime(asked.from), dateTime(asked.to)];
  const time = { from, to, raw: { from, to } };
  return (
    <TimeSeries
      frames={frames}
      timeRange={time}
      timeZone="utc"
      structureRev={1}
      legend={panel.options.legend}
      options={panel.options}
      width={width}
      height={height}
    />
  );
}

function Stat({ panel, frames, width, height, theme }) {
  const options = panel.options;
  const values = () =>
    getFieldDisplayValues({
      fieldConfig: panel.fieldConfig,
      reduceOptions: options.reduceOptions,
      replaceVariables: (text) => text,
      data: frames,
      theme,
      timeZone: 'utc',
    });
  return (
    <VizRepeater
      getValues={values}
      renderValue={({ value, width: w, height: h, count }) => (
        <BigValue
          value={value.display}
          count={count}
          width={w}
          height={h}
          theme={theme}
          colorMode={options.colorMode}
          graphMode={options.graphMode}
          justifyMode={options.justifyMode}
          textMode={options.textMode}
          disableWideLayout={!options.wideLayout}
        />
      )}
      source={frames}
      renderCounter={1}
      orientation={options.orientation}
      itemSpacing={3}
      autoGrid
      width={width}
      height={height}
    />
  );
}

function Rows({ panel, frames, width, height }) {
  return (
    <TableNG
      data={frames[0]}
      fieldConfig={panel.fieldConfig}
      sortBy={panel.options.sortBy}
      cellHeight={panel.options.cellHeight}
      showTypeIcons={false}
      width={width}
      height={height}
    />
  );
}

function States({ frames, asked, width, height }) {
  return <Timeline frames={frames} from={asked.from} to={asked.to} step={asked.step * 1000} width={width} height={height} />;
}
