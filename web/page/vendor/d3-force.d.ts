export { forceSimulation, forceX, forceY, forceManyBody, forceLink } from "d3-force";
