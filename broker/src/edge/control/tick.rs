//! What control does at each of its ticks.

use herdgate_admission::attaches::UNBOUND;
use herdgate_admission::edge::EdgeCounts;

use super::EdgeControl;
use crate::metrics::GateDecision;

impl EdgeControl {
    pub(super) fn tick(&mut self) {
        let now = self.shared.clock.now();
        let own = self.own_health.as_mut().and_then(|own| own.look(now));
        if let Some((verdict, signal)) = own {
            self.admission.feel_itself(verdict, signal);
        }
        let arrived = self.arrived();
        let counts = EdgeCounts {
            arrivals: u32::try_from(arrived.saturating_sub(self.arrived)).unwrap_or(u32::MAX),
            ..self.counts(now, self.shared.places.take_peak())
        };
        self.arrived = arrived;
        let backend = self.shared.authenticator.backend_health();
        self.admission.feel_backend(backend);
        self.asked();
        self.still_waiting();
        self.admission
            .tick(counts, &std::mem::take(&mut self.waits), now);
        self.tell_shards(counts);
        // before the view, with which workers look anew
        self.grant();
        self.publish();
    }

    /// A worker without news since the last tick has those who waited then.
    fn still_waiting(&mut self) {
        let known = self.workers.iter().flat_map(|news| &news.waits.shards);
        for (shard, known) in known.filter(|(_, known)| known.oldest.is_some()) {
            let waits = self.waits.of(*shard);
            waits.oldest = waits.oldest.max(known.oldest);
        }
    }

    /// What shards may be asked until the next tick.
    fn grant(&self) {
        let view = self.admission.view();
        for shard in (0..).take(self.shards.len()) {
            let known = view.shard(shard);
            let attaches = known.map_or(UNBOUND, |shard| shard.attaches);
            self.shared.attaches.grant(shard, attaches);
        }
    }

    fn asked(&mut self) {
        for shard in (0..).take(self.shards.len()) {
            let asked = self.shared.attaches.take_asked(shard);
            if asked > 0 {
                self.waits.of(shard).asked += asked;
            }
        }
    }

    /// Clients that the gate has decided about since the start; one that waits after its CONNECT once, too.
    fn arrived(&self) -> u64 {
        let gate = &self.shared.metrics.edge.gate;
        [GateDecision::Admit, GateDecision::Hold, GateDecision::Reset]
            .map(|decision| gate.get(decision))
            .iter()
            .sum()
    }
}
