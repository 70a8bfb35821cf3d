use k8s_openapi::apimachinery::pkg::apis::meta::v1::OwnerReference;
use kube::Resource;

/// The controlling owner.
pub(super) trait Owned {
    fn controller(&self) -> Option<OwnerReference>;

    fn uid_of_owner(&self) -> Option<String> {
        self.controller().map(|owner| owner.uid)
    }
}

impl<K: Resource> Owned for K {
    fn controller(&self) -> Option<OwnerReference> {
        let owners = self.meta().owner_references.as_ref()?;
        owners
            .iter()
            .find(|owner| owner.controller == Some(true))
            .cloned()
    }
}
