import { start } from "./rig.mjs"; import { make } from "./inputs.mjs";
import * as p from "./pictures.mjs";
const rig = await start(); const real = await make(rig.folder);
let o=0,d=0;
for (const name of [...real, "recursive.folded", "stacks.folded"]) {
  const t=performance.now();
  const pic = await rig.get(`api/picture/${encodeURIComponent(name)}?items=90`);
  const t1=performance.now();
  const pl = p.laidOut(pic); const t2=performance.now();
  const f0 = p.forward(pic,{items:Float32Array.from(pic.items.flatMap(i=>[i.x,i.y]))});
  const f = p.forward(pic,pl), oc=p.ourCrossings(pic,pl), dc=p.dotCrossings(pic); o+=oc; d+=dc??0;
  const w=(k)=>{const s=pic.edges.filter(e=>e.kind===k&&e.from!==e.to); return k+":"+s.length};
  console.log(name.slice(-60).padEnd(60), pic.items.length, 'ranks',Math.max(...pic.items.map(i=>i.rank))+1,'fwd',(100*f).toFixed(1),(100*f0).toFixed(1),'cross',oc,dc, 'ms',(t1-t).toFixed(0),(t2-t1).toFixed(0), ["line","back","pip","faint"].map(w).join(" "), 'shown', (100*pic.shown.self/pic.total).toFixed(0)+'%');
}
console.log(o,d,o/d);
await rig.close();
