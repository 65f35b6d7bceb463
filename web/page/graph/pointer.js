// What the pointer does on the graph: hover, click, drag, pan, zoom, and the small map.

/** @typedef {import("../types.js").Point} Point */

/** Farther than so many pixels a press is a drag. */
const DRAG = 4;

/** @param {import("./graph.js").Graph} graph */
export function listen(graph) {
  const { canvas } = graph;
  const point = (/** @type {MouseEvent} */ event) => ({ x: event.offsetX, y: event.offsetY });
  /** @type {{ item: number, onMap: boolean, from: Point, last: Point, moved: boolean } | null} */
  let held = null;
  canvas.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    canvas.setPointerCapture(event.pointerId);
    const at = point(event);
    const onMap = graph.isOnMap(at);
    held = { item: onMap ? -1 : graph.itemAt(at), onMap, from: at, last: at, moved: false };
    graph.isHeld = true;
    if (onMap) graph.lookAt(at);
  });
  canvas.addEventListener("pointermove", (event) => {
    graph.isOver = true;
    const at = point(event);
    if (!held) {
      graph.setHover(graph.isOnMap(at) ? -1 : graph.itemAt(at), at);
      return;
    }
    held.moved ||= Math.hypot(at.x - held.from.x, at.y - held.from.y) > DRAG;
    if (!held.moved) return;
    canvas.classList.add("drag");
    const [x, y] = [at.x - held.last.x, at.y - held.last.y];
    held.last = at;
    if (held.onMap) graph.lookAt(at);
    else if (held.item < 0) graph.pan(x, y);
    else graph.drag(held.item, x / graph.camera.k, y / graph.camera.k);
  });
  const release = (/** @type {PointerEvent} */ event) => {
    if (held && !held.moved && !held.onMap && event.type === "pointerup") graph.listener.selected(held.item);
    if (held?.moved && held.item >= 0) graph.dropped(held.item);
    held = null;
    graph.isHeld = false;
    canvas.classList.remove("drag");
  };
  canvas.addEventListener("pointerup", release);
  canvas.addEventListener("pointercancel", release);
  canvas.addEventListener("dblclick", (event) => graph.listener.opened(graph.itemAt(point(event))));
  canvas.addEventListener("pointerleave", () => {
    graph.isOver = false;
    graph.setHover(-1, null);
  });
  canvas.addEventListener("wheel", (event) => {
    event.preventDefault();
    const lines = event.deltaMode === 1 ? 16 : 1;
    if (event.shiftKey) graph.pan(-event.deltaY * lines, 0);
    else graph.zoom(Math.exp(-event.deltaY * lines * (event.ctrlKey ? 0.01 : 0.0015)), point(event));
  }, { passive: false });
}
