resource "google_compute_subnetwork" "job" {
  project                  = var.project
  region                   = var.region
  name                     = "${var.name}-job"
  network                  = var.network_id
  ip_cidr_range            = var.subnetwork_cidr
  private_ip_google_access = true
}

# Driver and executors talk to each other on any port; nobody else to them.
resource "google_compute_firewall" "job" {
  project            = var.project
  name               = "${var.name}-job"
  network            = var.network_id
  direction          = "INGRESS"
  source_ranges      = [google_compute_subnetwork.job.ip_cidr_range]
  destination_ranges = [google_compute_subnetwork.job.ip_cidr_range]

  allow {
    protocol = "all"
  }
}

resource "google_compute_global_address" "services" {
  count = var.make_service_connection ? 1 : 0

  project       = var.project
  name          = "${var.name}-services"
  network       = var.network_id
  purpose       = "VPC_PEERING"
  address_type  = "INTERNAL"
  prefix_length = 20
}

resource "google_service_networking_connection" "services" {
  count = var.make_service_connection ? 1 : 0

  network                 = var.network_id
  service                 = "servicenetworking.googleapis.com"
  reserved_peering_ranges = [google_compute_global_address.services[0].name]
}
