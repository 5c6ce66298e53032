// One dashboard as Grafana lays it out. The address says which and of when; `drawn` is set as soon as all of it is there.
import { createTheme, ThemeContext } from '@grafana/data';
import { GlobalStyles, PanelChrome } from '@grafana/ui';
import { useEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { configured, register } from './fields.js';
import { Inside } from './panels.jsx';
import { framesOf } from './queries.js';

const ROW = 30;
const GAP = 8;
const COLUMNS = 24;
const theme = createTheme({ colors: { mode: 'light' } });

function Panel({ panel, asked, width }) {
  const [frames, setFrames] = useState(null);
  useEffect(() => {
    framesOf(panel, asked)
      .then((found) => configured(panel, found, theme))
      .then((found) => {
        document.dispatchEvent(new CustomEvent('panel', { detail: found.some((frame) => frame.length) ? null : panel.title }));
        setFrames(found);
      })
      .catch((error) => window.failed.push(`${panel.title}: ${error.stack}`));
  }, [panel, asked]);
  const { x, y, w, h } = panel.gridPos;
  const place = { left: x * width, top: y * (ROW + GAP), width: w * width - GAP, height: h * (ROW + GAP) - GAP };
  return (
    <div style={{ position: 'absolute', ...place }}>
      <PanelChrome title={panel.title} description={panel.description} width={place.width} height={place.height}>
        {(innerWidth, innerHeight) =>
          frames && <Inside {...{ panel, frames, asked, theme }} width={innerWidth} height={innerHeight} />
        }
      </PanelChrome>
    </div>
  );
}

function Dashboard({ dashboard, asked }) {
  const width = (window.innerWidth - 2 * GAP) / COLUMNS;
  const height = Math.max(...dashboard.panels.map(({ gridPos }) => gridPos.y + gridPos.h)) * (ROW + GAP);
  return (
    <ThemeContext.Provider value={theme}>
      <GlobalStyles />
      <h1 style={{ margin: GAP, fontSize: 20 }}>{dashboard.title}</h1>
      <div style={{ position: 'relative', margin: GAP, height }}>
        {dashboard.panels.map((panel) => (
          <Panel key={panel.id} panel={panel} asked={asked} width={width} />
        ))}
      </div>
    </ThemeContext.Provider>
  );
}

async function main() {
  const address = new URLSearchParams(window.location.search);
  const number = (name) => Number(address.get(name));
  const asked = {
    prometheus: address.get('prometheus'),
    from: number('from'),
    to: number('to'),
    step: number('step'),
    scraped: number('scraped'),
    node: address.get('node'),
  };
  Object.assign(window, { failed: [], empty: [], waiting: Infinity });
  window.addEventListener('error', ({ message }) => window.failed.push(message));
  register();
  const dashboard = await (await fetch(address.get('dashboard'))).json();
  window.waiting = dashboard.panels.length;
  document.addEventListener('panel', ({ detail }) => {
    window.waiting -= 1;
    if (detail) {
      window.empty.push(detail);
    }
  });
  createRoot(document.getElementById('root')).render(<Dashboard dashboard={dashboard} asked={asked} />);
}

main();
