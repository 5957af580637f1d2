// Points by WebGL 2: a million of them in one buffer, two programs, drawn on demand.
//
// Without a graphics card, many points are left to flat.ts. First all plain dots, then, over them, the points that are more than a dot (labeled, suggested, of the yardstick,
// near copies, outliers, selected ...), each as a sprite whose shape is computed per pixel.
import { scaleOf, type Camera, type Size } from "./camera";
import { FINE, type Look } from "./paint";
import type { Palette, Rgb } from "./palette";

/** Draws points: this one by WebGL, `Flat` without it. */
export interface Painter {
  readonly said: string; // what a person should know about it
  place(to: Float32Array, from: Float32Array | null, fresh: Uint8Array | null): void;
  look(look: Look): void;
  palette(palette: Palette): void;
  /** `mix`: how far the points have glided, 0 to 1. */
  draw(camera: Camera, size: Size, ratio: number, dot: number, mix: number): void;
  /** Wait until it is on the screen. */
  settle(): void;
  free(): void;
}

/** Diameter of a dot in CSS pixels: fewer points may be larger, and all grow as one comes closer. */
export const dotSize = (n: number, zoom: number, factor: number): number =>
  Math.min(16, Math.min(6, Math.max(1.5, 40 / Math.max(1, n) ** 0.25)) * Math.max(1, zoom) ** 0.3 * factor);

/** So that dense places stay readable. */
export const opacity = (n: number): number => Math.min(0.85, Math.max(0.35, 1.6 - 0.21 * Math.log10(Math.max(1, n))));

const COMMON = `#version 300 es
layout(location = 0) in vec2 to;
layout(location = 1) in vec2 from;
layout(location = 2) in uvec4 look; // color, shape, state, flags
layout(location = 3) in uint fresh;
uniform vec2 center, scale;
uniform float mixed, dot_size, alpha;
uniform sampler2D palette;
uniform bool fine;
bool is_mark() { // as isMark in paint.ts
  if (look.w != 0u) return true;
  if (!fine) return (look.z | look.y) != 0u;
  return (look.z & ((look.z & 4u) != 0u ? 48u : 247u)) != 0u;
}
const vec4 AWAY = vec4(2.0, 2.0, 2.0, 1.0);
vec4 place() { return vec4((mix(from, to, mixed) - center) * scale, 0.0, 1.0); }
vec4 color_of() { return texelFetch(palette, ivec2(int(look.x), 0), 0); }
float shown() { return fresh == 1u ? mixed : 1.0; }
`;
const DOTS = `${COMMON}
flat out vec4 color;
void main() {
  gl_Position = is_mark() ? AWAY : place();
  gl_PointSize = dot_size;
  color = vec4(color_of().rgb, 1.0) * (alpha * shown());
}`;
const DOT = `#version 300 es
precision highp float;
flat in vec4 color;
uniform float dot_size;
out vec4 pixel;
void main() {
  float out_of = (length(gl_PointCoord - 0.5) * dot_size) - dot_size * 0.5 + 0.5;
  pixel = dot_size < 3.0 ? color : color * clamp(1.0 - out_of, 0.0, 1.0);
}`;
const MARKS = `${COMMON}
flat out vec4 color;
flat out uint shape, state, flags;
flat out float radius, side;
uniform float ratio;
void main() {
  gl_Position = is_mark() && (look.w & 1u) == 0u ? place() : AWAY;
  bool more = (look.z & 67u) != 0u; // labeled, suggested, cannot tell
  radius = max(dot_size * 0.5, (more ? 4.2 : 2.6) * ratio) * (more ? 1.25 : 1.0);
  if (look.z == 0u && (look.w & 2u) == 0u) radius = max(dot_size * 0.5, 1.8 * ratio);
  float reach = (look.z & 48u) != 0u ? 1.85 : (look.z & 2u) != 0u ? 1.6 : (look.w & 2u) != 0u ? 1.45 : 1.2; // rings lie outside
  side = 2.0 * (radius * reach + 2.0 * ratio);
  gl_PointSize = side;
  color = vec4(color_of().rgb, shown());
  shape = look.y; state = look.z; flags = look.w;
}`;
const MARK = `#version 300 es
precision highp float;
flat in vec4 color;
flat in uint shape, state, flags;
flat in float radius, side;
uniform float ratio, alpha;
uniform vec3 paper, ink, accent, bad;
out vec4 pixel;
float bar(vec2 p, vec2 half_size) { vec2 d = abs(p) - half_size; return max(d.x, d.y); }
float cross_of(vec2 p, float r, float w) { return min(bar(p, vec2(r, w)), bar(p, vec2(w, r))); }
float outline(vec2 p, float r) {
  if (shape == 1u) return max(abs(p.x) * 0.866 + p.y * 0.5, -p.y) - r * 0.62;
  if (shape == 2u) return max(abs(p.x), abs(p.y)) - r * 0.86;
  if (shape == 3u) return (abs(p.x) + abs(p.y)) * 0.75 - r * 0.88;
  if (shape == 4u) return cross_of(p, r, r * 0.38);
  return length(p) - r;
}
void over(inout vec4 under, vec3 rgb, float distance, float a) {
  float covered = clamp(0.5 - distance, 0.0, 1.0) * a;
  under = vec4(rgb * covered, covered) + under * (1.0 - covered);
}
void main() {
  vec2 p = (gl_PointCoord - 0.5) * side;
  p.y = -p.y;
  vec4 seen = vec4(0.0);
  float r = radius, line = 0.75 * ratio;
  vec2 turned = vec2(p.x + p.y, p.x - p.y) * 0.7071;
  bool labeled = (state & 1u) != 0u;
  if ((flags & 2u) != 0u) over(seen, accent, abs(length(p) - r * 1.45) - 1.1 * ratio, 1.0);
  if ((state & 16u) != 0u) over(seen, ink, abs(length(p) - r * 1.85) - 0.6 * ratio, 0.8);
  if ((state & 32u) != 0u) over(seen, bad, abs(length(p) - r * 1.85) - 1.0 * ratio, 1.0);
  if ((state & 4u) != 0u) {
    over(seen, color.rgb, abs(outline(p, r)) - line, 0.9);
  } else if ((state & 8u) != 0u && !labeled) {
    over(seen, color.rgb, cross_of(turned, r * 1.15, line), 0.95);
  } else if (labeled) {
    over(seen, paper, outline(p, r) - ratio, 1.0);
    over(seen, color.rgb, outline(p, r), 1.0);
    if ((state & 8u) != 0u) over(seen, paper, cross_of(turned, r * 0.7, line * 0.8), 1.0);
  } else if ((state & 64u) != 0u) {
    over(seen, paper, bar(p, vec2(r, r * 0.3) + ratio), 1.0);
    over(seen, ink, bar(p, vec2(r, r * 0.3)), 1.0);
  } else if ((state & 2u) == 0u) {
    over(seen, color.rgb, outline(p, r), max(alpha, 0.6));
  }
  if ((state & 2u) != 0u) {
    over(seen, color.rgb, length(p) - r * 0.95, 0.35);
    over(seen, ink, abs(length(p) - r) - 0.6 * ratio, 0.9);
    over(seen, ink, cross_of(p, r * 1.5, 0.8 * ratio), 1.0);
  }
  pixel = seen * color.a;
}`;

export class Points implements Painter {
  readonly said = "";
  private readonly dots: WebGLProgram;
  private readonly marks: WebGLProgram;
  private readonly array: WebGLVertexArrayObject;
  private readonly buffers: Record<"to" | "from" | "look" | "fresh" | "marked", WebGLBuffer>;
  private readonly texture: WebGLTexture;
  private colors: Palette | null = null;
  private n = 0;
  private many = 0;

  /** Null without WebGL 2. */
  static on(canvas: HTMLCanvasElement): Points | null {
    const gl = canvas.getContext("webgl2", { antialias: false, powerPreference: "high-performance" });
    return gl && !gl.isContextLost() ? new Points(gl) : null;
  }

  private constructor(private readonly gl: WebGL2RenderingContext) {
    this.dots = program(gl, DOTS, DOT);
    this.marks = program(gl, MARKS, MARK);
    this.array = gl.createVertexArray()!;
    const buffer = (): WebGLBuffer => gl.createBuffer()!;
    this.buffers = { to: buffer(), from: buffer(), look: buffer(), fresh: buffer(), marked: buffer() };
    this.texture = gl.createTexture()!;
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ELEMENT_ARRAY_BUFFER, this.buffers.marked);
    gl.disable(gl.DEPTH_TEST);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  place(to: Float32Array, from: Float32Array | null, fresh: Uint8Array | null): void {
    const { gl, buffers } = this;
    gl.bindVertexArray(this.array);
    this.n = to.length >> 1;
    const send = (buffer: WebGLBuffer, data: Float32Array | Uint8Array): void => {
      gl.bindBuffer(gl.ARRAY_BUFFER, buffer);
      gl.bufferData(gl.ARRAY_BUFFER, data, gl.STATIC_DRAW);
    };
    send(buffers.to, to);
    gl.enableVertexAttribArray(0);
    gl.vertexAttribPointer(0, 2, gl.FLOAT, false, 0, 0);
    if (from) send(buffers.from, from);
    gl.bindBuffer(gl.ARRAY_BUFFER, from ? buffers.from : buffers.to); // at rest, both are the same memory
    gl.enableVertexAttribArray(1);
    gl.vertexAttribPointer(1, 2, gl.FLOAT, false, 0, 0);
    if (fresh) {
      send(buffers.fresh, fresh);
      gl.enableVertexAttribArray(3);
      gl.vertexAttribIPointer(3, 1, gl.UNSIGNED_BYTE, 0, 0);
    } else {
      gl.disableVertexAttribArray(3);
      gl.vertexAttribI4ui(3, 0, 0, 0, 0);
    }
    this.many = 0; // what the points look like has to be said again
    gl.disableVertexAttribArray(2);
    gl.vertexAttribI4ui(2, 0, 0, 0, 1);
  }

  look(look: Look): void {
    const { gl, buffers } = this;
    gl.bindVertexArray(this.array);
    gl.bindBuffer(gl.ARRAY_BUFFER, buffers.look);
    gl.bufferData(gl.ARRAY_BUFFER, look.points, gl.DYNAMIC_DRAW);
    gl.enableVertexAttribArray(2);
    gl.vertexAttribIPointer(2, 4, gl.UNSIGNED_BYTE, 4, 0);
    gl.bufferData(gl.ELEMENT_ARRAY_BUFFER, look.marked, gl.DYNAMIC_DRAW);
    this.many = look.marked.length;
  }

  palette(palette: Palette): void {
    const { gl } = this;
    this.colors = palette;
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, palette.colors);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MIN_FILTER, gl.NEAREST);
    gl.texParameteri(gl.TEXTURE_2D, gl.TEXTURE_MAG_FILTER, gl.NEAREST);
  }

  draw(camera: Camera, size: Size, ratio: number, dot: number, mix: number): void {
    const { gl, colors } = this;
    if (!colors || gl.isContextLost()) return;
    const pixels = scaleOf(camera, size);
    gl.viewport(0, 0, gl.drawingBufferWidth, gl.drawingBufferHeight);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!this.n) return;
    gl.bindVertexArray(this.array);
    gl.bindTexture(gl.TEXTURE_2D, this.texture);
    const prepare = (used: WebGLProgram): ((name: string) => WebGLUniformLocation | null) => {
      const at = (name: string): WebGLUniformLocation | null => gl.getUniformLocation(used, name);
      gl.useProgram(used);
      gl.uniform2f(at("center"), camera.x, camera.y);
      gl.uniform2f(at("scale"), (2 * pixels) / size.width, (2 * pixels) / size.height);
      gl.uniform1f(at("mixed"), mix);
      gl.uniform1f(at("dot_size"), dot * ratio);
      gl.uniform1f(at("alpha"), opacity(this.n));
      gl.uniform1i(at("palette"), 0);
      gl.uniform1i(at("fine"), dot < FINE ? 1 : 0);
      return at;
    };
    prepare(this.dots);
    gl.drawArrays(gl.POINTS, 0, this.n);
    if (!this.many) return;
    const at = prepare(this.marks);
    const rgb = (name: string, [r, g, b]: Rgb): void => gl.uniform3f(at(name), r / 255, g / 255, b / 255);
    gl.uniform1f(at("ratio"), ratio);
    rgb("paper", colors.paper);
    rgb("ink", colors.ink);
    rgb("accent", colors.accent);
    rgb("bad", colors.bad);
    gl.drawElements(gl.POINTS, this.many, gl.UNSIGNED_INT, 0);
  }

  settle(): void {
    this.gl.readPixels(0, 0, 1, 1, this.gl.RGBA, this.gl.UNSIGNED_BYTE, new Uint8Array(4)); // waits for all before it
  }

  free(): void {
    const { gl } = this;
    Object.values(this.buffers).forEach((buffer) => gl.deleteBuffer(buffer));
    gl.deleteTexture(this.texture);
    gl.deleteVertexArray(this.array);
    gl.deleteProgram(this.dots);
    gl.deleteProgram(this.marks);
  }
}

/** Who computes pixels here: a graphics card, the processor in its place, or nobody. */
export function graphics(): "card" | "processor" | "none" {
  const gl = document.createElement("canvas").getContext("webgl2");
  if (!gl) return "none";
  const more = gl.getExtension("WEBGL_debug_renderer_info"); // failIfMajorPerformanceCaveat lets SwiftShader pass
  const name = String(gl.getParameter(more ? more.UNMASKED_RENDERER_WEBGL : gl.RENDERER));
  gl.getExtension("WEBGL_lose_context")?.loseContext();
  return /swiftshader|llvmpipe|softpipe|software|basic render/i.test(name) ? "processor" : "card";
}

function program(gl: WebGL2RenderingContext, vertex: string, fragment: string): WebGLProgram {
  const made = gl.createProgram()!;
  const shaders = [gl.VERTEX_SHADER, gl.FRAGMENT_SHADER].map((kind, k) => {
    const shader = gl.createShader(kind)!;
    gl.shaderSource(shader, k ? fragment : vertex);
    gl.compileShader(shader);
    gl.attachShader(made, shader);
    return shader;
  });
  gl.linkProgram(made);
  if (!gl.getProgramParameter(made, gl.LINK_STATUS) && !gl.isContextLost()) {
    throw new Error(`the map cannot be drawn here: ${[gl.getProgramInfoLog(made), ...shaders.map((one) => gl.getShaderInfoLog(one))].join(" ")}`);
  }
  shaders.forEach((one) => gl.deleteShader(one));
  return made;
}
