// Compiled against what openapi-typescript makes of the document: `tsc --strict --noEmit`.
import type { components, operations } from "./api";

type Schemas = components["schemas"];

// Open maps take any JSON, and give it back.
export const project: Schemas["NewProjectRequest"] = { title: "p", meta: { take: { number: 1 } } };
export const pattern: Schemas["PatternRequest"] = { template_id: "t", sample_map: { kick: "artifact_1" } };
export function note(clip: Schemas["Clip"], asset: Schemas["MediaAsset"], artifact: Schemas["Artifact"]): unknown[] {
  return [clip.meta["note"], asset.meta["file_name"], artifact.meta["cache_key"]];
}
export function kick(request: Schemas["PatternRequest"]): string | undefined {
  const { sample_map }: { sample_map: { [role: string]: string | undefined } } = request;
  return sample_map["kick"];
}

// What may be null is there; a page and a single clip have one type.
export function place(clips: Schemas["Page_Clip"]): Schemas["Clip"][] {
  const cursor: string | null = clips.next_cursor;
  return cursor === null ? clips.items : [];
}

// Every operation: its success has a type, and so has its body.
type Content<Part> = Part extends { content: infer Types } ? Types[keyof Types] : never;
type Answer<Call> = Call extends { responses: infer Answers }
  ? { [Status in keyof Answers]: Status extends 200 | 201 | 202 | 206 ? Content<Answers[Status]> : never }[keyof Answers]
  : unknown;
type Body<Call> = Call extends { requestBody?: infer Part } ? Content<NonNullable<Part>> : never;
type Untyped = {
  [Name in keyof operations]: unknown extends Answer<operations[Name]> | Body<operations[Name]> ? Name : never;
}[keyof operations];
// The result of a job is the answer of any heavy call.
export const untyped: [Exclude<Untyped, "get_job_result">] extends [never] ? true : Untyped = true;
