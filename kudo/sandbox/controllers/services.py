"""Services: those of type LoadBalancer get an ingress address."""

from kudo.sandbox.controllers.controller import Controller
from kudo.sandbox.objects import digest, uid_of
from kudo.sandbox.store import Ref


class Services(Controller):
    """Simulates a cloud's load balancers. The clusterIP is a default, see `defaults`."""

    keys = ("services",)

    def reconcile(self, ref: Ref) -> float | None:
        """Set or remove the ingress address."""
        service = self.live(ref)
        if service is None:
            return None
        balanced = service["spec"].get("type") == "LoadBalancer"
        low = int(digest(uid_of(service), 2), 16)
        ingress = {"ingress": [{"ip": f"203.0.113.{low}", "ipMode": "VIP"}]} if balanced else {}
        self.set_status(ref, {"loadBalancer": ingress})
        return None
