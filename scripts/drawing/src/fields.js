// What Grafana itself does with a panel's field configuration, which its libraries leave to the program around them.
import {
  applyFieldOverrides,
  cacheFieldDisplayNames,
  FieldConfigOptionsRegistry,
  standardFieldConfigEditorRegistry,
  standardTransformers,
  standardTransformersRegistry,
  transformDataFrame,
} from '@grafana/data';
import { lastValueFrom } from 'rxjs';

const STANDARD = ['unit', 'decimals', 'min', 'max', 'color', 'thresholds', 'mappings', 'displayName', 'noValue', 'links'];
const TRANSFORMERS = [
  standardTransformers.mergeTransformer,
  standardTransformers.filterFieldsByNameTransformer,
  standardTransformers.organizeFieldsTransformer,
];
const CUSTOM = {
  timeseries: {
    axisBorderShow: false,
    axisCenteredZero: false,
    axisColorMode: 'text',
    axisLabel: '',
    axisPlacement: 'auto',
    barAlignment: 0,
    barWidthFactor: 0.6,
    gradientMode: 'none',
    hideFrom: { legend: false, tooltip: false, viz: false },
    insertNulls: false,
    lineInterpolation: 'linear',
    pointSize: 5,
    scaleDistribution: { type: 'linear' },
  },
};

/** Call it once, before anything else. */
export function register() {
  standardFieldConfigEditorRegistry.setInit(() => STANDARD.map((name) => option(name, name)));
  standardTransformersRegistry.setInit(() =>
    TRANSFORMERS.map((one) => ({ id: one.id, name: one.name, transformation: async () => one }))
  );
}

/** The frames of a panel, transformed, with units, thresholds, mappings and colours. */
export async function configured(panel, frames, theme) {
  const context = { interpolate: (text) => text };
  const data = await lastValueFrom(transformDataFrame(panel.transformations ?? [], frames, context));
  const { defaults, overrides } = panel.fieldConfig;
  const custom = { ...CUSTOM[panel.type], ...defaults.custom };
  const ofOverrides = overrides.flatMap((rule) => rule.properties.map((property) => property.id));
  const names = new Set([...Object.keys(custom), ...ofOverrides.filter(isCustom).map((id) => id.slice('custom.'.length))]);
  const registry = new FieldConfigOptionsRegistry(() => [
    ...STANDARD.map((name) => option(name, name)),
    ...[...names].map((name) => ({ ...option(`custom.${name}`, name), isCustom: true })),
  ]);
  const drawn = applyFieldOverrides({
    data,
    fieldConfig: { defaults: { ...defaults, custom }, overrides },
    fieldConfigRegistry: registry,
    replaceVariables: (text) => text,
    theme,
    timeZone: 'utc',
  });
  cacheFieldDisplayNames(drawn);
  return drawn;
}

function isCustom(id) {
  return id.startsWith('custom.');
}

function option(id, path) {
  return { id, path, name: id, shouldApply: () => true, process: (value) => value, settings: {} };
}
