/** What the control listener answers, as its OpenAPI document says: `npm run types` writes schema.ts from it. */
import type { components } from "./schema";

type Schemas = components["schemas"];

export type Action = Schemas["Action"];
export type ArmResults = Schemas["ArmResults"];
export type Decided = Schemas["Decided"];
export type ExperimentResults = Schemas["ExperimentResults"];
export type Experiments = Schemas["ExperimentsView"];
export type Forecast = Schemas["Forecast"];
export type Frame = Schemas["Frame"];
export type MetricResult = Schemas["MetricResult"];
export type Mode = Schemas["Mode"];
export type Modes = Schemas["ModeView"];
export type Observation = Schemas["ObservationView"];
export type Plan = Schemas["Plan"];
export type PlanLine = Schemas["PlanLine"];
export type Point = Schemas["TimelinePoint"];
export type Saturation = Schemas["Saturation"];
export type Session = Schemas["Session"];
export type StreamLine = Schemas["StreamLine"];
export type StreamView = Schemas["StreamView"];
export type Timeline = Schemas["Timeline"];

export interface Page<T> {
  total: number;
  offset: number;
  items: T[];
}
