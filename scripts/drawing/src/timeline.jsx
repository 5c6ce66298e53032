// Grafana does not publish its state timeline as a component: this one is ours, with Grafana's values, colours and words.
import { getDisplayProcessor } from '@grafana/data';
import { useTheme2 } from '@grafana/ui';

const NAMES = 190;
const LEGEND = 24;

export function Timeline({ frames, from, to, step, width, height }) {
  const theme = useTheme2();
  const rows = frames.map((frame) => rowOf(frame, step, theme));
  const high = (height - LEGEND) / rows.length;
  const x = (at) => NAMES + ((at - from) / (to - from)) * (width - NAMES);
  const words = new Map(rows.flatMap((row) => row.spans.map((span) => [span.text, span.color])));
  return (
    <svg width={width} height={height} style={{ fontSize: Math.min(12, high), fill: theme.colors.text.primary }}>
      {rows.map((row, number) => (
        <g key={row.name} transform={`translate(0 ${number * high})`}>
          <text x={NAMES - 8} y={high / 2} textAnchor="end" dominantBaseline="central">
            {row.name}
          </text>
          {row.spans.map((span) => (
            <rect key={span.from} x={x(span.from)} width={x(span.to) - x(span.from)} y={high * 0.05} height={high * 0.9} fill={span.color} fillOpacity={0.8} />
          ))}
        </g>
      ))}
      {[...words].map(([text, color], number) => (
        <g key={text} transform={`translate(${number * 100} ${height - LEGEND / 2})`} style={{ fontSize: 12 }}>
          <rect y={-2} width={14} height={4} fill={color} />
          <text x={20} dominantBaseline="central">
            {text}
          </text>
        </g>
      ))}
    </svg>
  );
}

/** Neighbouring points of one value are one span; a point that is missing is a gap. */
function rowOf(frame, step, theme) {
  const [time, value] = frame.fields;
  const display = value.display ?? getDisplayProcessor({ field: value, theme });
  const spans = [];
  time.values.forEach((at, index) => {
    if (value.values[index] === null) {
      return;
    }
    const { text, color } = display(value.values[index]);
    const last = spans.at(-1);
    if (last && last.text === text && last.to === at) {
      last.to = at + step;
    } else {
      spans.push({ from: at, to: at + step, text, color });
    }
  });
  return { name: value.config.displayNameFromDS, spans };
}
